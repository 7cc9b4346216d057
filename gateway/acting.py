"""The one call that changes something outside, and what each way it can end means."""

import logging

from gateway.core.errors import TargetRefusedError, TargetUnclearError
from gateway.core.permits import Permit
from gateway.core.steps import Finish, Preparation
from gateway.ports import Target

log = logging.getLogger(__name__)


async def act(target: Target, permit: Permit, preparation: Preparation) -> Finish:
    """Perform a permit once. Never raises: whatever is not clearly done or refused is in doubt."""
    action_id = permit.action.id
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
