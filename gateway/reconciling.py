"""Looking again at what was started and never said to have ended."""

from gateway.core.steps import Finish
from gateway.core.vocabulary import System
from gateway.ports import ActionRecord, Clock, Target

# "It did not happen" counts only this long after the start: a vendor's search lags, a slow call may still arrive.
SETTLE_MS = {System.GITLAB: 60_000, System.JIRA: 300_000, System.LOOPGATE: 0}


async def look_again(record: ActionRecord, target: Target, clock: Clock) -> Finish | None:
    """How a started action ended, or None while nothing is proved; it is never performed again."""
    settled = (record.started_ms or 0) + SETTLE_MS[record.action.target.system] <= clock.now_ms()
    seen = await target.reconcile(record)
    if seen.happened is None or (seen.happened is False and not settled):
        return None
    return Finish(
        action_id=record.action.id,
        outcome="performed" if seen.happened else "refused",
        performance=seen.performance,
        reason=seen.reason,
        reconciled=True,
    )
