"""The real git adapter over the sandbox's repositories."""

from pathlib import Path

from gateway.adapters.git.authorship import Authorship
from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.changes import GitChanges, ProjectShape
from gateway.adapters.git.commits import GitRepository
from gateway.adapters.git.content_scan import core_scanners
from gateway.adapters.git.inspection import Inspector
from gateway.adapters.git.mirrors import Mirrors
from gateway.adapters.git.proposals import Proposals
from gateway.adapters.git.remotes import Forge
from gateway.adapters.git.runner import Git
from gateway.core.vocabulary import ForgeIdentity
from gateway.sandbox.server import Sandbox
from tests.gateway.adapters.gitlab.rigs import SandboxClock


def mirrors_of(sandbox: Sandbox, folder: Path) -> Mirrors:
    """Mirrors of the sandbox's repositories; close them."""

    async def credentials(identity: ForgeIdentity) -> str:
        return sandbox.tokens.merge if identity is ForgeIdentity.MERGE else sandbox.tokens.road

    loopback = (sandbox.gitlab_url.removeprefix("http://"),)
    return Mirrors(Git(Bounds()), Forge(sandbox.gitlab_url, credentials, loopback=loopback), folder)


def repository_of(sandbox: Sandbox, mirrors: Mirrors) -> GitRepository:
    """The port `Repository`."""
    inspector = _inspector(mirrors)
    return GitRepository(mirrors, inspector, Proposals(mirrors.git, inspector), SandboxClock(sandbox))


def changes_of(mirrors: Mirrors) -> GitChanges:
    """The port `Changes`."""
    inspector = _inspector(mirrors)
    return GitChanges(mirrors, inspector, Proposals(mirrors.git, inspector), _shape_of)


def _inspector(mirrors: Mirrors) -> Inspector:
    return Inspector(mirrors.git, Authorship("sandbox.test", gateway=(), people={}), core_scanners())


async def _shape_of(_: str) -> ProjectShape:
    return ProjectShape(protected=("main",))
