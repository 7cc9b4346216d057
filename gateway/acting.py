"""The one call that changes something outside, and what each way it can end means."""

import logging

from gateway.core.errors import TargetRefusedError, TargetUnclearError
from gateway.core.permits import Permit
from gateway.core.steps import Finish, Preparation
from gateway.ports import Clock, Target

log = logging.getLogger(__name__)
BEGIN_WITHIN_MS = 45_000
"""How long after its judging a call may begin.

With the longest time-out of a call (120 s) it has ended before the lease of a started action lapses (180 s after the
start), so nobody can find "it did not happen" while it may still be on its way.
"""


async def act(target: Target, permit: Permit, preparation: Preparation, clock: Clock) -> Finish:
    """Perform a permit once, in time or not at all.

    Never raises: whatever is not clearly done or refused is in doubt.
    """
    action_id = permit.action.id
    if clock.now_ms() - permit.judged_ms > BEGIN_WITHIN_MS:
        reason = "The gateway came too late to act after it had judged; nothing was sent. Propose it again."
        return Finish(action_id=action_id, outcome="refused", reason=reason, retryable=True)
    try:
        performance = await target.perform(permit, preparation)
    except TargetRefusedError as error:
        return Finish(action_id=action_id, outcome="refused", reason=error.detail, retryable=error.retryable)
    except TargetUnclearError as error:
        return Finish(action_id=action_id, outcome="in_doubt", reason=error.detail)
    except Exception as error:
        # Whatever broke, the act may have happened: the row must say so before anybody sees the defect.
        log.exception("target broke while performing %s", action_id)
        return Finish(action_id=action_id, outcome="in_doubt", reason=type(error).__name__)
    return Finish(action_id=action_id, outcome="performed", performance=performance)
