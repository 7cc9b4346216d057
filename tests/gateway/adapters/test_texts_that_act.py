"""Text that acts, in every text field of every supported action, against a GitLab and a Jira that execute it.

Two things may save us, and one of them must: what the gateway writes does nothing (quick actions are encoded), or the
facts the policy judges name what the text would do (TEXT-001 and TEXT-002 deny it).
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.gitlab.answers import Note
from gateway.adapters.gitlab.operation import performed
from gateway.adapters.jira.target import JiraTarget
from gateway.core.actions import Action
from gateway.core.facts import TextFacts
from gateway.core.text import scan
from gateway.core.vocabulary import SPECS, System
from gateway.core.vocabulary import ActionType as T
from gateway.ports import Target
from gateway.sandbox.server import Sandbox
from tests.fakes.permits import action_of, permit_for
from tests.gateway.adapters.gitlab.plumbing import mirrors_of, repository_of
from tests.gateway.adapters.gitlab.rigs import PROJECT, SandboxClock, World, egress_of, open_request
from tests.gateway.adapters.gitlab.rigs import target_of as gitlab_of
from tests.gateway.adapters.jira.rigs import target_of as jira_of

QUICK = "Fine.\n/close\n  /label ~hacked\n/title Hacked\n/merge\n\n```\nfenced\n```\n/assign @maya"
CLOSING = "Fixes #1, closes shop/checkout#1 and implements #1"
SMART = "SHOP-1 #done #comment hacked"
FIELDS = {
    (System.GITLAB, T.ISSUE_CREATE): ("title", "description"),
    (System.GITLAB, T.ISSUE_COMMENT): ("body",),
    (System.GITLAB, T.ISSUE_TRANSITION): ("link_title",),
    (System.GITLAB, T.ISSUE_UPDATE): ("title", "description"),
    (System.GITLAB, T.COMMIT_COMMENT): ("body",),
    (System.GITLAB, T.MERGE_REQUEST_OPEN): ("title", "description"),
    (System.GITLAB, T.MERGE_REQUEST_UPDATE): ("title", "description"),
    (System.GITLAB, T.MERGE_REQUEST_COMMENT): ("body",),
    (System.GITLAB, T.COMMIT_CREATE): ("message",),
    (System.JIRA, T.ISSUE_CREATE): ("title", "description"),
    (System.JIRA, T.ISSUE_COMMENT): ("body",),
    (System.JIRA, T.ISSUE_TRANSITION): ("link_title",),
    (System.JIRA, T.ISSUE_UPDATE): ("title", "description"),
}
CASES = [(system, kind, field) for (system, kind), fields in FIELDS.items() for field in fields]
each_field = pytest.mark.parametrize(
    ("system", "kind", "field"), CASES, ids=[f"{s.value}-{k.value}-{f}" for s, k, f in CASES]
)


@dataclass(frozen=True)
class Both:
    """The sandbox with both real targets in front of it."""

    gitlab: World
    jira: JiraTarget

    @property
    def sandbox(self) -> Sandbox:
        return self.gitlab.sandbox

    def target(self, system: System) -> Target:
        return self.jira if system is System.JIRA else self.gitlab.target

    def state(self) -> dict[str, Any]:
        """What text could change: issue 1, merge request 1 and SHOP-1."""
        project = self.gitlab.project()
        issue, jira = project.issues[1], self.sandbox.site.find("SHOP-1")
        assert jira is not None
        request = project.merge_requests[1]
        return {
            "issue": (issue.state, issue.title, tuple(issue.labels), tuple(issue.assignees)),
            "request": (request.state, request.title, tuple(request.labels), tuple(request.assignees)),
            "jira": (jira.status.name, len(jira.comments), tuple(jira.worklog)),
        }


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    async with AsyncExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(tmp_path / "sandbox"))
        session = stack.enter_context(egress_of(sandbox).session())
        http = await stack.enter_async_context(egress_of(sandbox).async_client(base_url=sandbox.jira_url))
        mirrors = mirrors_of(sandbox, tmp_path / "mirrors")
        stack.push_async_callback(mirrors.close)
        gitlab = gitlab_of(sandbox, session, repository_of(sandbox, mirrors))
        yield Both(World(sandbox, gitlab, session, tmp_path / "scratch"), jira_of(sandbox, http))


def hostile(both: Both, system: System, kind: T, field: str, text: str) -> Action:
    """An action of that type that is otherwise fine, with a hostile text in one field."""
    params: dict[T, dict[str, Any]] = {
        T.ISSUE_CREATE: {"title": "T", "description": "D"},
        T.ISSUE_COMMENT: {"body": "B"},
        T.ISSUE_TRANSITION: {"to": "Done" if system is System.JIRA else "closed", "link": "https://a.test"},
        T.MERGE_REQUEST_OPEN: {"source": "agent/two", "target": "main", "title": "T"},
        T.MERGE_REQUEST_COMMENT: {"body": "B"},
        T.MERGE_REQUEST_UPDATE: {},
        T.ISSUE_UPDATE: {},
        T.COMMIT_COMMENT: {"body": "B"},
        T.COMMIT_CREATE: {"message": "M", "changes": [{"op": "create", "path": "a.txt", "content": "a"}]},
    }
    issue = "SHOP-1" if system is System.JIRA else "2"
    aims: dict[T, dict[str, Any]] = {
        T.ISSUE_COMMENT: {"issue": issue},
        T.ISSUE_TRANSITION: {"issue": issue},
        T.MERGE_REQUEST_COMMENT: {"merge_request": 1},
        T.MERGE_REQUEST_UPDATE: {"merge_request": 2},
        T.ISSUE_UPDATE: {"issue": issue},
        T.COMMIT_COMMENT: {"commit": both.gitlab.project().repository.head("main")},
        T.COMMIT_CREATE: {"branch": "agent/three"},
    }
    return action_of(
        kind,
        system=system,
        project="SHOP" if system is System.JIRA else PROJECT,
        params={**params[kind], field: _in_one_line(text) if "title" in field else text},
        now_ms=SandboxClock(both.sandbox).now_ms(),
        **aims.get(kind, {}),
    )


def _in_one_line(text: str) -> str:
    """The text for a title: of the quick actions the first one, since a title has one line."""
    return next((line for line in text.splitlines() if line.startswith("/")), text)


async def act(both: Both, action: Action) -> dict[str, Any]:
    target = both.target(action.target.system)
    permit = permit_for(action, await target.inspect(action))
    return (await target.perform(permit, await target.prepare(permit))).result


def arrange(both: Both) -> None:
    """Merge request 1, a branch for another, and an issue 2 and a merge request 2 to be written on."""
    open_request(both.gitlab, "agent/one")
    open_request(both.gitlab, "agent/four")
    both.gitlab.branch_with_change("agent/two", "src/two.js")
    both.gitlab.call("POST", "/issues", title="Two")
    both.sandbox.clock.advance(120)


def named(facts: TextFacts, text: str) -> bool:
    """Whether the facts name what the text would do."""
    return bool({QUICK: facts.quick_actions, CLOSING: facts.closes, SMART: facts.smart_commits}[text])


def test_every_text_field_of_every_supported_action_is_looked_at() -> None:
    supported = {(s, kind) for kind, spec in SPECS.items() for s in spec.supported}
    with_texts = {(s, kind) for s, kind in supported if kind.value not in _WITHOUT_TEXT}

    assert set(FIELDS) == with_texts


# Values of pipeline variables reach jobs, never a page that executes text.
_WITHOUT_TEXT = {
    "issue.assign",
    "issue.link",
    "issue.close",
    "issue.reopen",
    "issue.attach",
    "branch.create",
    "branch.delete",
    "commit.revert",
    "commit.cherry_pick",
    "tag.create",
    "tag.delete",
    "merge_request.close",
    "merge_request.reopen",
    "merge_request.rebase",
    "merge_request.merge",
    "pipeline.run",
    "pipeline.retry",
    "pipeline.cancel",
    "job.play",
    "job.retry",
    "job.cancel",
    "deployment.rollback",
    "policy.activate",
    "policy.rollback",
    "environment.stop",
    "stop.lift",
}


@each_field
@pytest.mark.parametrize("text", [QUICK, CLOSING, SMART], ids=["quick", "closing", "smart"])
async def test_what_a_text_would_do_is_named_for_the_policy(
    both: Both, system: System, kind: T, field: str, text: str
) -> None:
    action = hostile(both, system, kind, field, text)

    assert named(scan(action.params.texts()), text)


@each_field
async def test_a_quick_action_does_nothing_even_if_a_policy_let_it_through(
    both: Both, system: System, kind: T, field: str
) -> None:
    arrange(both)
    before = both.state()
    result = await act(both, hostile(both, system, kind, field, QUICK))
    both.sandbox.clock.advance(120)
    after = both.state()

    assert "alarm" not in result
    assert after["issue"] == before["issue"]
    assert after["request"] == before["request"]


@pytest.mark.parametrize("text", [CLOSING, SMART], ids=["closing", "smart"])
async def test_closing_words_and_smart_commits_in_issues_and_comments_do_nothing(
    both: Both, text: str
) -> None:
    arrange(both)
    before = both.state()
    for system, kind in (
        (System.GITLAB, T.ISSUE_CREATE),
        (System.JIRA, T.ISSUE_CREATE),
        (System.GITLAB, T.ISSUE_COMMENT),
    ):
        await act(both, hostile(both, system, kind, FIELDS[system, kind][-1], text))
    await act(both, hostile(both, System.GITLAB, T.MERGE_REQUEST_COMMENT, "body", text))
    both.sandbox.clock.advance(120)

    assert both.state() == before


@pytest.mark.parametrize("place", ["title", "description"])
async def test_what_a_merge_requests_text_would_do_is_named_again_when_it_is_merged(
    both: Both, place: str
) -> None:
    iid = open_request(both.gitlab, "agent/one", **{place: CLOSING})
    head = both.gitlab.project().merge_requests[iid].sha
    merge = both.gitlab.act(T.MERGE_REQUEST_MERGE, {"expected_head": head}, merge_request=iid)
    seen = await both.gitlab.target.inspect(merge)

    assert scan(seen.texts).closes


async def test_the_sandbox_would_have_acted(both: Both) -> None:
    arrange(both)
    before = both.state()
    both.gitlab.call("POST", "/issues/1/notes", body=QUICK)
    both.gitlab.call("POST", "/merge_requests/1/notes", body="Fine.\n/label ~hacked")
    both.gitlab.branch_with_change("agent/smart", "src/smart.js", SMART)
    both.sandbox.clock.advance(120)
    after = both.state()

    assert after["issue"] != before["issue"]
    assert after["jira"] != before["jira"]


def test_an_answer_that_says_commands_were_executed_is_an_alarm(caplog: pytest.LogCaptureFixture) -> None:
    executed = Note.model_validate(
        {"id": 1, "commands_changes": {"state_event": "close"}, "summary": ["Closed."]}
    )
    result = performed(executed, comment=1).result

    assert result == {"comment": 1, "alarm": "commands_changes"}
    assert "executed text" in caplog.text
