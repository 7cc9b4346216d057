"""What GitLab's settings leave open in the projects of the catalogue, for `doctor`."""

from gateway.adapters.gitlab.review import Verdict
from gateway.adapters.gitlab.target import GitLabTarget
from gateway.app.gateway import Gateway
from gateway.core.vocabulary import System


async def forge_review(gateway: Gateway) -> tuple[Verdict, ...]:
    """Every setting that was looked at; nothing where no GitLab is connected or it does not answer."""
    target = gateway.targets.get(System.GITLAB)
    if not isinstance(target, GitLabTarget) or not (await target.readiness()).ok:
        return ()
    services = gateway.policy.in_force.catalogue.services
    return await target.review(tuple(sorted({service.project for service in services})))
