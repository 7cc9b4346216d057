"""Policies that are kept: which are there, which was put in force when, and which one a rollback goes back to."""

from enum import StrEnum

from gateway.core.model import Model


class PolicyStepKind(StrEnum):
    """How a policy came into force."""

    BEGUN = "begun"
    SERVED = "served"
    ACTIVATED = "activated"
    ROLLED_BACK = "rolled_back"


class KeptPolicy(Model):
    """A policy that is kept. `sha256` is of both its bundles, `key_id` of the key that signed them, if one did."""

    digest: str
    revision: str
    sha256: str
    wasm_sha256: str
    key_id: str | None
    by: str
    kept_ms: int


class PolicyStep(Model):
    """One change of the policy in force, in the order of `number`. `action_id` is of the action that did it."""

    number: int
    kind: PolicyStepKind
    digest: str
    before: str | None
    by: str
    action_id: str | None
    at_ms: int


class PolicyStanding(Model):
    """What is in force, since when activation needs approval (None: not sealed yet), and every change so far."""

    active: str | None
    sealed_ms: int | None
    history: tuple[PolicyStep, ...]

    @property
    def sealed(self) -> bool:
        """Whether activation needs approval."""
        return self.sealed_ms is not None

    @property
    def previous(self) -> str | None:
        """Where a rollback goes; None where nothing was in force before."""
        stack = _in_force(self.history)
        return stack[-2] if len(stack) > 1 else None

    @property
    def served(self) -> str | None:
        """The last policy that came from a policy folder at a start."""
        kinds = {PolicyStepKind.BEGUN, PolicyStepKind.SERVED}
        return next((s.digest for s in reversed(self.history) if s.kind in kinds), None)


def _in_force(history: tuple[PolicyStep, ...]) -> list[str]:
    """The policies that stand on one another: a rollback takes the upper one away, so that the next goes further back."""
    stack: list[str] = []
    for step in history:
        if step.kind is PolicyStepKind.ROLLED_BACK:
            stack = stack[:-1]
        elif not stack or stack[-1] != step.digest:
            stack.append(step.digest)
    return stack
