"""Smart commits: what pushed commit messages do to Jira issues."""

import httpx2
import pytest

from gateway.sandbox.jira.site import JiraIssue
from gateway.sandbox.jira.smart_commits import SmartCommand, read_commands, transition_named
from gateway.sandbox.server import Sandbox
from tests.gateway.sandbox.worlds import CHECKOUT, Copy, open_request


@pytest.mark.parametrize(
    ("message", "commands"),
    [
        ("SHOP-1 #close", [("SHOP-1", "close", "")]),
        (
            "SHOP-1 SHOP-2 #comment Done with it",
            [("SHOP-1", "comment", "Done with it"), ("SHOP-2", "comment", "Done with it")],
        ),
        (
            "Fix. SHOP-1 #time 1w 2d 3h Long #in-progress",
            [("SHOP-1", "time", "1w 2d 3h Long"), ("SHOP-1", "in-progress", "")],
        ),
        ("Title\n\nSHOP-1 some words #comment body", [("SHOP-1", "comment", "body")]),
        ("SHOP-1\n#close", []),
        ("#close SHOP-1", []),
        ("shop-1 #close", []),
        ("SHOP-1 fixed", []),
        ("See #3", []),
    ],
)
def test_commands_are_read_line_by_line(message: str, commands: list[tuple[str, str, str]]) -> None:
    assert read_commands(message) == tuple(SmartCommand(*command) for command in commands)


@pytest.mark.parametrize(
    ("name", "status"), [("close", "Done"), ("done", "Done"), ("in-progress", "In Progress"), ("start", None)]
)
def test_a_transition_is_meant_by_its_name(name: str, status: str | None) -> None:
    found = transition_named(name)

    assert (found.to.name if found else None) == status


def shop_1(sandbox: Sandbox) -> JiraIssue:
    found = sandbox.site.find("SHOP-1")
    assert found
    return found


def test_a_pushed_commit_acts_once(sandbox: Sandbox, copy: Copy) -> None:
    copy.publish("agent/one", {"a.txt": "1\n"}, "SHOP-1 #comment Found it #time 1h #close\nSHOP-99 #close")
    copy.push("agent/one:agent/two")

    issue = shop_1(sandbox)
    assert (issue.status.name, len(issue.comments), issue.worklog) == ("Done", 1, ["1h"])


def test_the_switch_turns_smart_commits_off(sandbox: Sandbox, copy: Copy) -> None:
    sandbox.switches.smart_commits = False

    copy.publish("agent/one", {"a.txt": "1\n"}, "SHOP-1 #close\n\nCloses SHOP-1")

    assert shop_1(sandbox).status.name == "To Do"


def test_a_merge_commit_message_acts_too(
    sandbox: Sandbox, road: httpx2.Client, maintainer: httpx2.Client, copy: Copy
) -> None:
    head = copy.publish("agent/one", {"a.txt": "1\n"})
    open_request(road, "agent/one")
    sandbox.clock.advance(30)
    body = {"sha": head, "merge_commit_message": "SHOP-1 #in-progress"}

    maintainer.put(f"{CHECKOUT}/merge_requests/1/merge", json=body)

    assert shop_1(sandbox).status.name == "In Progress"
