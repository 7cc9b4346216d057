"""Targets: one spelling for one thing, and nothing that means nothing."""

from typing import Any

import pytest

from gateway.core.actions import Target
from gateway.core.aims import aim, place_of
from gateway.core.errors import MalformedError
from gateway.core.vocabulary import ActionType as T
from gateway.core.vocabulary import System
from tests.gateway.core.making import GITLAB, HEAD, JIRA


def refused(kind: T, given: dict[str, Any]) -> str:
    """The field that is refused."""
    with pytest.raises(MalformedError) as caught:
        aim(kind, given)
    assert caught.value.detail.startswith(caught.value.field)
    return caught.value.field


@pytest.mark.parametrize(
    ("given", "project"),
    [
        ("shop/checkout", "shop/checkout"),
        ("Shop/Checkout", "shop/checkout"),
        ("a/b/c/d", "a/b/c/d"),
        ("shop/check.out-2_x", "shop/check.out-2_x"),
    ],
)
def test_gitlab_projects_are_paths_in_lower_case(given: str, project: str) -> None:
    assert aim(T.ISSUE_CREATE, {"system": "gitlab", "project": given}).project == project


@pytest.mark.parametrize(
    "given",
    [
        "checkout",
        "/shop/x",
        "shop/",
        "shop//x",
        "shop/../x",
        "shop/.x",
        "shop/x.git",
        "shop/x.atom",
        "shop/x.",
        "42",
        42,
        "shop/x y",
        "shop/\u212aey",
        "shop/x\n",
        "shop%2Fx",
        "",
        None,
        ["shop/x"],
        "/".join(["a"] * 22),
    ],
)
def test_what_is_no_gitlab_path_is_refused(given: Any) -> None:
    assert refused(T.ISSUE_CREATE, {"system": "gitlab", "project": given}) == "/target/project"


@pytest.mark.parametrize("given", ["S", "shop/x", "1SHOP", "SH-OP", "\u017fhop", "S" * 11, "SHOP ", 1])
def test_what_is_no_jira_key_is_refused(given: Any) -> None:
    assert refused(T.ISSUE_CREATE, {"system": "jira", "project": given}) == "/target/project"


def test_jira_keys_are_upper_case_and_belong_together() -> None:
    target = aim(T.ISSUE_COMMENT, {"system": "jira", "project": "shop", "issue": "shop-7"})

    assert (target.project, target.issue) == ("SHOP", "SHOP-7")
    assert refused(T.ISSUE_COMMENT, {**JIRA, "issue": "PAY-7"}) == "/target/issue"
    assert refused(T.ISSUE_COMMENT, {**JIRA, "issue": "SHOP-07"}) == "/target/issue"
    assert refused(T.ISSUE_COMMENT, {**JIRA, "issue": 7}) == "/target/issue"


def test_gitlab_issues_are_numbers_written_either_way() -> None:
    assert aim(T.ISSUE_COMMENT, {**GITLAB, "issue": 7}) == aim(T.ISSUE_COMMENT, {**GITLAB, "issue": "7"})
    for wrong in (0, -1, True, "07", "7 ", "#7", 1.5, None):
        assert refused(T.ISSUE_COMMENT, {**GITLAB, "issue": wrong}) == "/target/issue"


@pytest.mark.parametrize("wrong", [0, -1, True, "7", 7.0, 10**10, None, [7]])
def test_numbers_are_positive_whole_numbers(wrong: Any) -> None:
    assert refused(T.MERGE_REQUEST_MERGE, {**GITLAB, "merge_request": wrong}) == "/target/merge_request"


def test_commit_ids_are_whole_and_in_lower_case() -> None:
    given = {**GITLAB, "branch": "main", "commit": HEAD.upper()}

    assert aim(T.COMMIT_REVERT, given).commit == HEAD
    for wrong in (HEAD[:8], HEAD + "a", "g" * 40, "\u212a" * 40, 7):
        assert refused(T.COMMIT_REVERT, {**given, "commit": wrong}) == "/target/commit"


@pytest.mark.parametrize("name", ["production", "review/app-1", "a", "Blue Green 1"])
def test_environments_have_the_names_gitlab_gives_them(name: str) -> None:
    assert aim(T.DEPLOYMENT_ROLLBACK, {**GITLAB, "environment": name}).environment == name


@pytest.mark.parametrize("name", ["", " a", "a ", "/a", "a/", "a\nb", "ä", "a" * 300, "a;b", 7])
def test_other_names_of_environments_are_refused(name: Any) -> None:
    assert refused(T.DEPLOYMENT_ROLLBACK, {**GITLAB, "environment": name}) == "/target/environment"


def test_refs_are_whole_sorted_and_named_once() -> None:
    given = ["refs/tags/v1", "refs/heads/agent/x"]

    assert aim(T.BRANCH_PUSH, {**GITLAB, "refs": given}).refs == ("refs/heads/agent/x", "refs/tags/v1")
    for wrong in ([], "refs/heads/x", [*given, *given], ["refs/heads/x"] * 51):
        assert refused(T.BRANCH_PUSH, {**GITLAB, "refs": wrong}) == "/target/refs"
    for wrong_ref in ("main", "refs/notes/x", "refs/heads/", "refs/heads/a..b", "refs/heads/a\n", 7):
        assert refused(T.BRANCH_PUSH, {**GITLAB, "refs": ["refs/heads/ok", wrong_ref]}) == "/target/refs/1"


def test_own_ids_have_a_prefix() -> None:
    assert aim(T.STOP_LIFT, {"system": "loopgate", "stop": "stp_01KA"}).stop == "stp_01KA"
    assert aim(T.AUDIT_REDACT, {"system": "loopgate", "subject": "prn_1"}).subject == "prn_1"
    assert refused(T.STOP_LIFT, {"system": "loopgate", "stop": "../x"}) == "/target/stop"


@pytest.mark.parametrize("system", ["jira", "github", "", None, 7, ["gitlab"]])
def test_a_type_is_done_only_where_it_exists(system: Any) -> None:
    assert refused(T.BRANCH_CREATE, {**GITLAB, "system": system, "branch": "agent/x"}) == "/target/system"


def test_a_target_says_nothing_that_means_nothing() -> None:
    given = {**GITLAB, "branch": "agent/x"}

    assert refused(T.BRANCH_CREATE, {**given, "issue": "1"}) == "/target/issue"
    assert refused(T.BRANCH_CREATE, {**given, "colour": "red"}) == "/target/colour"
    assert refused(T.BRANCH_CREATE, {**given, "refs": []}) == "/target/refs"
    assert aim(T.BRANCH_CREATE, {**given, "issue": None}).branch == "agent/x"


def test_scopes_write_jira_projects_with_a_prefix() -> None:
    assert place_of(Target(system=System.JIRA, project="SHOP")) == "jira:SHOP"
    assert place_of(Target(system=System.GITLAB, project="shop/x")) == "shop/x"
    assert place_of(Target(system=System.LOOPGATE)) is None
