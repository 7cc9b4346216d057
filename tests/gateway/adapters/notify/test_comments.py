"""Notices as comments: once, by mark, on both vendors' sandboxes."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.gitlab.notices import GitLabNotices
from gateway.adapters.jira.notices import JiraNotices
from gateway.adapters.jira.site import Site
from gateway.adapters.notify.comments import CommentNotifier
from gateway.core.actions import Target
from gateway.core.errors import FactsMissingError, TargetRefusedError, TargetUnclearError
from gateway.core.notices import Matter, Occasion, compose
from gateway.core.vocabulary import System
from gateway.ports import Noticeboard
from gateway.sandbox.server import Sandbox
from gateway.sandbox.switches import Fault
from tests.gateway.adapters.gitlab.rigs import SandboxClock, egress_of, forge_of, marker_of
from tests.gateway.adapters.jira.rigs import contract_kept
from tests.gateway.core.test_notices import matter


@dataclass
class Board:
    """A system with a place for comments, the notifier in front of it, and what was written there."""

    sandbox: Sandbox
    notifier: CommentNotifier
    board: Noticeboard
    place: Target
    path: str
    texts: Callable[[], list[str]]

    def matter(self, occasion: Occasion = Occasion.OPENED) -> Matter:
        now_ms = SandboxClock(self.sandbox).now_ms()
        return matter(occasion, place=self.place, created_ms=now_ms)

    async def tell(self, told: Matter) -> None:
        await self.notifier.tell(told, compose(told))

    def fault(self, method: str, **what: Any) -> None:
        self.sandbox.switches.add(
            Fault(system=self.place.system.value, method=method, path=self.path, **what)
        )


@pytest.fixture
def sandbox(tmp_path: Path) -> Any:
    with Sandbox(tmp_path / "sandbox") as started:
        yield started


@pytest.fixture(params=["jira", "gitlab issue", "gitlab merge request"])
async def board(request: pytest.FixtureRequest, sandbox: Sandbox) -> AsyncIterator[Board]:
    if request.param == "jira":
        async with egress_of(sandbox).async_client(
            base_url=sandbox.jira_url, event_hooks={"request": [contract_kept]}
        ) as http:
            site = Site(http, sandbox.tokens.jira_email, lambda: sandbox.tokens.jira, SandboxClock(sandbox))
            yield _jira(sandbox, JiraNotices(site))
        return
    with egress_of(sandbox).session() as session:
        notices = GitLabNotices(forge_of(sandbox, session, "loopgate-road", sandbox.tokens.road))
        yield _gitlab(sandbox, notices, merge_request=request.param.endswith("request"))


def _jira(sandbox: Sandbox, notices: JiraNotices) -> Board:
    def texts() -> list[str]:
        issue = sandbox.site.find("SHOP-1")
        assert issue is not None
        return [str(comment.body) for comment in issue.comments]

    place = Target(system=System.JIRA, project="SHOP", issue="SHOP-1")
    notifier = CommentNotifier({System.JIRA: notices}, marker_of)
    return Board(sandbox, notifier, notices, place, "/rest/api/3/issue/SHOP-1/comment", texts)


def _gitlab(sandbox: Sandbox, notices: GitLabNotices, *, merge_request: bool) -> Board:
    project = next(p for p in sandbox.forge.projects.values() if p.path == "checkout")
    kind = "merge_requests" if merge_request else "issues"
    if merge_request:
        _open_request(sandbox)

    def texts() -> list[str]:
        holder = (project.merge_requests if merge_request else project.issues)[1]
        return [note.body for note in holder.notes if not note.system]

    aim: dict[str, Any] = {"merge_request": 1} if merge_request else {"issue": "1"}
    place = Target(system=System.GITLAB, project="shop/checkout", **aim)
    notifier = CommentNotifier({System.GITLAB: notices}, marker_of)
    return Board(sandbox, notifier, notices, place, f"/api/v4/projects/shop/checkout/{kind}/1/notes", texts)


def _open_request(sandbox: Sandbox) -> None:
    from tests.gateway.sandbox.worlds import CHECKOUT, gitlab_client, open_request

    with gitlab_client(sandbox, sandbox.tokens.maya) as client:
        made = client.post(f"{CHECKOUT}/repository/branches", params={"branch": "agent/x", "ref": "main"})
        assert made.status_code == 201
        open_request(client, "agent/x")


async def test_a_comment_is_written_once_however_often_it_is_tried(board: Board) -> None:
    told = board.matter()
    for attempts in (1, 2, 3):
        await board.tell(told.model_copy(update={"attempts": attempts}))

    (text,) = board.texts()
    assert "Loopgate asks for approval." in text


async def test_each_matter_has_a_comment_of_its_own(board: Board) -> None:
    await board.tell(board.matter())
    await board.tell(board.matter(Occasion.APPROVED))

    assert len(board.texts()) == 2


async def test_a_comment_whose_reply_was_lost_is_found_and_not_repeated(board: Board) -> None:
    """A crash between sending and recording looks the same from here."""
    told = board.matter()
    board.fault("POST", kind="lose_reply")
    with pytest.raises(TargetUnclearError):
        await board.tell(told)
    await board.tell(told.model_copy(update={"attempts": 2}))

    assert len(board.texts()) == 1


@pytest.mark.parametrize("fault", [{"kind": "refuse_connection"}, {"kind": "status", "status": 500}])
async def test_a_comment_that_was_not_written_is_written_later(board: Board, fault: dict[str, Any]) -> None:
    told = board.matter()
    board.fault("POST", **fault)
    with pytest.raises(TargetUnclearError):
        await board.tell(told)
    assert board.texts() == []
    await board.tell(told)

    assert len(board.texts()) == 1


async def test_where_nobody_can_look_nothing_is_written(board: Board) -> None:
    board.fault("GET", kind="status", status=500)
    with pytest.raises(FactsMissingError):
        await board.tell(board.matter())

    assert board.texts() == []


async def test_a_place_that_is_gone_is_a_failure(board: Board) -> None:
    aim = (
        {"issue": "SHOP-99"} if board.place.system is System.JIRA else {"issue": "99", "merge_request": None}
    )
    told = board.matter().model_copy(update={"place": board.place.model_copy(update=aim)})
    with pytest.raises(FactsMissingError):
        await board.tell(told)


async def test_a_system_that_is_not_connected_is_a_failure(board: Board) -> None:
    with pytest.raises(TargetRefusedError, match="No system"):
        await CommentNotifier({}, marker_of).tell(board.matter(), compose(board.matter()))
    with pytest.raises(TargetRefusedError, match="No system"):
        await board.tell(board.matter().model_copy(update={"place": None}))


async def test_words_that_act_do_nothing_there(board: Board) -> None:
    action = board.matter().action
    assert action is not None
    hostile = action.model_copy(update={"intent": "@all\n/close\n![x](https://evil.test/x.png) <!channel>"})
    told = board.matter().model_copy(update={"action": hostile})
    await board.tell(told)

    (text,) = board.texts()
    assert "@all" not in text
    assert "'mention'" not in text
    assert board.sandbox.site.find("SHOP-1").status.name == "To Do"  # type: ignore[union-attr]


async def test_more_comments_than_can_be_looked_at_prove_nothing(sandbox: Sandbox) -> None:
    issue = sandbox.site.find("SHOP-1")
    assert issue is not None
    for _ in range(100):
        sandbox.site.comment(issue, issue.creator, {"type": "doc", "version": 1, "content": []})
    async with egress_of(sandbox).async_client(base_url=sandbox.jira_url) as http:
        site = Site(http, sandbox.tokens.jira_email, lambda: sandbox.tokens.jira, SandboxClock(sandbox))
        with pytest.raises(FactsMissingError, match="Too many"):
            await JiraNotices(site).bears(
                Target(system=System.JIRA, project="SHOP", issue="SHOP-1"), "lg-1", since_ms=0
            )
