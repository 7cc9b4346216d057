"""The adapter against a GitLab stand-in that serves real repositories over smart HTTP, with tokens and protection."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.adapters.git.bounds import Bounds
from gateway.adapters.git.remotes import Forge
from gateway.core.errors import FactsMissingError, SettingsError, TargetRefusedError, TargetUnclearError
from gateway.core.params import CommitCreate, FileChange, FileOp
from gateway.core.vocabulary import ForgeIdentity
from gateway.sandbox.server import Sandbox
from gateway.sandbox.switches import Fault
from tests.gateway.adapters.git.workshop import AGENT, PROJECT, Workshop

RECEIVE = "/shop/checkout.git/git-receive-pack"
BRANCH = "agent/fix"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox") as running:
        yield running


def forge_of(sandbox: Sandbox) -> Forge:
    async def token(identity: ForgeIdentity) -> str:
        return sandbox.tokens.merge if identity is ForgeIdentity.MERGE else sandbox.tokens.road

    return Forge(sandbox.gitlab_url, token, loopback=(urlsplit(sandbox.gitlab_url).netloc,))


@pytest.fixture
async def workshop(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Workshop]:
    made = Workshop(forge_of(sandbox), tmp_path / "mirrors", bounds=Bounds(head_pause_s=0, network_s=5))
    yield made
    await made.mirrors.close()


def commit(path: str = "notes.md", text: str = "hello\n") -> CommitCreate:
    return CommitCreate(
        message="Add a note", changes=(FileChange(op=FileOp.CREATE, path=path, content=text),)
    )


async def built(workshop: Workshop, branch: str = BRANCH) -> str:
    return await workshop.repository.build_commit(PROJECT, branch, commit(), AGENT, "lg-1")


async def test_a_commit_is_built_pushed_and_measured(workshop: Workshop) -> None:
    new = await built(workshop)
    assert await workshop.repository.head_of(PROJECT, BRANCH) is None

    await workshop.repository.push(PROJECT, BRANCH, new, expected=None)

    assert await workshop.repository.head_of(PROJECT, BRANCH) == new
    change = await workshop.changes.of_branches(PROJECT, BRANCH, "main", AGENT)
    assert change.paths == ("notes.md",)
    assert change.ci.environments == ("production",)
    assert change.ci.scripts == ("deploy.sh",)


async def test_the_road_identity_may_not_push_to_a_protected_branch(workshop: Workshop) -> None:
    head = await workshop.repository.head_of(PROJECT, "main")
    new = await built(workshop, "main")
    with pytest.raises(TargetRefusedError) as refused:
        await workshop.repository.push(PROJECT, "main", new, expected=head)
    assert "protected" in refused.value.detail
    assert await workshop.repository.head_of(PROJECT, "main") == head


async def test_the_merge_identity_may(workshop: Workshop) -> None:
    head = await workshop.repository.head_of(PROJECT, "main")
    new = await built(workshop, "main")
    await workshop.repository.push(PROJECT, "main", new, expected=head, identity=ForgeIdentity.MERGE)
    assert await workshop.repository.head_of(PROJECT, "main") == new


async def test_a_branch_that_exists_by_now_is_stale_and_stays(workshop: Workshop) -> None:
    first = await built(workshop)
    await workshop.repository.push(PROJECT, BRANCH, first, expected=None)
    workshop.clock.ms += 60_000
    params = commit("other.md")
    second = await workshop.repository.build_commit(PROJECT, BRANCH, params, AGENT, "lg-2")
    with pytest.raises(TargetRefusedError) as refused:
        await workshop.repository.push(PROJECT, BRANCH, second, expected=None)
    assert refused.value.code == "stale"
    assert await workshop.repository.head_of(PROJECT, BRANCH) == first


async def test_a_push_whose_reply_is_lost_is_unclear_and_can_be_found(
    sandbox: Sandbox, workshop: Workshop
) -> None:
    new = await built(workshop)
    sandbox.switches.add(Fault("lose_reply", method="POST", path=RECEIVE))
    with pytest.raises(TargetUnclearError):
        await workshop.repository.push(PROJECT, BRANCH, new, expected=None)
    assert await workshop.repository.head_of(PROJECT, BRANCH) == new
    await workshop.repository.push(PROJECT, BRANCH, new, expected=None)


async def test_a_push_that_is_dropped_on_arrival_is_unclear_too(sandbox: Sandbox, workshop: Workshop) -> None:
    new = await built(workshop)
    sandbox.switches.add(Fault("refuse_connection", method="POST", path=RECEIVE))
    with pytest.raises(TargetUnclearError):
        await workshop.repository.push(PROJECT, BRANCH, new, expected=None)
    assert await workshop.repository.head_of(PROJECT, BRANCH) is None


async def test_a_forge_that_cannot_be_asked_refuses_before_anything_is_sent(
    sandbox: Sandbox, workshop: Workshop
) -> None:
    new = await built(workshop)
    sandbox.switches.add(Fault("status", status=503, path="/shop/checkout.git/info/refs", times=4))
    with pytest.raises(TargetRefusedError, match="503"):
        await workshop.repository.push(PROJECT, BRANCH, new, expected=None)
    with pytest.raises(FactsMissingError, match="503"):
        await workshop.repository.head_of(PROJECT, BRANCH)
    with pytest.raises(FactsMissingError, match="503"):
        await workshop.changes.of_branches(PROJECT, "main", "main", AGENT)


async def test_a_bad_token_is_told_in_gits_words_and_never_shown(sandbox: Sandbox, tmp_path: Path) -> None:
    async def wrong(identity: ForgeIdentity) -> str:
        del identity
        return "invented-but-secret"

    forge = Forge(sandbox.gitlab_url, wrong, loopback=(urlsplit(sandbox.gitlab_url).netloc,))
    workshop = Workshop(forge, tmp_path / "mirrors")
    with pytest.raises(FactsMissingError) as missing:
        await workshop.repository.head_of(PROJECT, "main")
    assert "invented-but-secret" not in missing.value.detail
    assert (
        "Authentication failed" in missing.value.detail or "could not read Username" in missing.value.detail
    )
    assert "invented-but-secret" not in repr(await forge.remote(PROJECT, ForgeIdentity.ROAD))


async def test_plain_http_needs_a_loopback_address_that_the_settings_name(sandbox: Sandbox) -> None:
    async def token(identity: ForgeIdentity) -> str:
        return identity.value

    place = urlsplit(sandbox.gitlab_url).netloc
    assert Forge(sandbox.gitlab_url, token, loopback=(place,)).host == "127.0.0.1"
    for origin, loopback in (
        (sandbox.gitlab_url, ()),
        ("http://gitlab.example.com", ("gitlab.example.com",)),
        ("ssh://gitlab.example.com", ()),
        ("file:///srv", ()),
        ("https://user:pass@gitlab.example.com", ()),
        ("https://", ()),
    ):
        with pytest.raises(SettingsError):
            Forge(origin, token, loopback=loopback)


async def test_a_project_name_cannot_leave_the_forge(sandbox: Sandbox) -> None:
    forge = forge_of(sandbox)
    for project in ("../etc", "a/../b", "a//b", "/a", "a/", "-a", "a b", "a\nb", "", "a/..", "x;y"):
        with pytest.raises(SettingsError):
            await forge.remote(project, ForgeIdentity.ROAD)
