"""The emergency brake."""

from gateway.core.model import Model


class Stop(Model):
    """An emergency brake. `scope` is everything, agent, project or action_type; `value` names which."""

    id: str
    scope: str
    value: str
    reason: str
    by: str
    engaged_ms: int
