"""The params of the issue types, and the scope that a link must keep at both ends."""

import base64
from typing import Any

import pytest

from gateway.core.actions import Action, Request
from gateway.core.aims import places_of
from gateway.core.errors import MalformedError, OutOfScopeError
from gateway.core.facts import IssueFacts
from gateway.core.issue_params import CONTENT_TYPES, ISSUE_PARAMS, MAX_ATTACHMENT, IssueAttach, IssueUpdate
from gateway.core.normalise import normalise
from gateway.core.policy_input import policy_input
from gateway.core.principals import Scope
from gateway.core.questions import ask
from gateway.core.vocabulary import ActionType as T
from tests.gateway.core.making import GITLAB, JIRA, facts, meant, principal, ruling

SHOP_1: dict[str, Any] = {**JIRA, "issue": "SHOP-1"}
ONE: dict[str, Any] = {**GITLAB, "issue": "1"}
SECRET = "glpat-" + "a1B2_" * 4


def mended(kind: str, params: dict[str, Any], target: dict[str, Any] | None = None) -> MalformedError:
    """The error that says what to mend."""
    with pytest.raises(MalformedError) as caught:
        meant(kind, target or SHOP_1, params)
    return caught.value


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_every_issue_type_has_params_here() -> None:
    assert {t for t in T if t.value.startswith("issue.")} == ISSUE_PARAMS.keys()


def test_an_update_names_only_what_is_given_and_may_clear_it() -> None:
    action = meant("issue.update", SHOP_1, {"description": "", "labels": []})

    assert isinstance(action.params, IssueUpdate)
    assert action.params.given == ("description", "labels")
    assert action.params.texts() == {"description": ""}
    assert action.params.canonical() == {"description": "", "labels": []}


def test_an_update_of_nothing_is_to_be_mended() -> None:
    assert mended("issue.update", {}).field == "/params"
    assert "title, description, labels or priority" in mended("issue.update", {"title": None}).detail


@pytest.mark.parametrize("params", [{}, {"unassign": False}, {"assignee": "prn_1", "unassign": True}])
def test_an_assignment_names_somebody_or_nobody_but_not_both(params: dict[str, Any]) -> None:
    assert "either an assignee or unassign" in mended("issue.assign", params).detail


@pytest.mark.parametrize(
    "params", [{"assignee": "712020:ab-c.d_e"}, {"assignee": "agt_x"}, {"unassign": True}]
)
def test_an_assignment_takes_roster_ids_and_vendor_accounts(params: dict[str, Any]) -> None:
    assert meant("issue.assign", SHOP_1, params).params.canonical().items() >= params.items()


@pytest.mark.parametrize(
    ("target", "params", "places"),
    [
        (SHOP_1, {"issue": "SHOP-2"}, ("jira:SHOP",)),
        (ONE, {"issue": "2"}, ("shop/checkout",)),
        (ONE, {"issue": "1", "project": "shop/payments"}, ("shop/checkout", "shop/payments")),
    ],
)
def test_a_link_touches_the_projects_of_both_issues(
    target: dict[str, Any], params: dict[str, Any], places: tuple[str, ...]
) -> None:
    action = meant("issue.link", target, params)

    assert places_of(action.target, action.params) == places


@pytest.mark.parametrize(
    ("target", "params"),
    [
        (SHOP_1, {"issue": "PAY-2"}),
        (ONE, {"issue": "2", "project": "secret/plans"}),
        (ONE, {"issue": "1", "project": "shopping/list"}),
    ],
)
def test_a_link_to_an_issue_out_of_scope_is_refused(target: dict[str, Any], params: dict[str, Any]) -> None:
    with pytest.raises(OutOfScopeError, match=r"may not propose issue\.link in"):
        meant("issue.link", target, params)


def test_a_link_from_an_issue_out_of_scope_is_refused_too() -> None:
    who = principal(scope=Scope(projects=("jira:PAY",), action_types=("*",)))
    request = Request(type="issue.link", target=SHOP_1, params={"issue": "PAY-1"})

    with pytest.raises(OutOfScopeError, match="jira:SHOP"):
        normalise(request, who, action_id="act_1", trace="trc_1", now_ms=1)


@pytest.mark.parametrize(
    ("target", "params", "said"),
    [
        (SHOP_1, {"issue": "SHOP-1"}, "the issue itself"),
        (ONE, {"issue": "1"}, "the issue itself"),
        (SHOP_1, {"issue": "shop-2"}, "write SHOP and SHOP-2"),
        (SHOP_1, {"issue": "7"}, "a Jira key"),
        (SHOP_1, {"issue": "SHOP-2", "project": "PAY"}, "is of project SHOP"),
        (ONE, {"issue": "SHOP-2"}, "number of a GitLab issue"),
        (ONE, {"issue": "2", "project": "Shop/Payments"}, "write shop/payments"),
        (ONE, {"issue": "2", "project": "payments"}, "GitLab path"),
    ],
)
def test_the_other_issue_has_one_spelling(target: dict[str, Any], params: dict[str, Any], said: str) -> None:
    error = mended("issue.link", params, target)

    assert error.field == "/params/issue"
    assert said in error.detail
    assert "/target/" not in error.detail


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"filename": "a.html", "content_type": "text/html"}, "/params/content_type"),
        ({"filename": "a.svg", "content_type": "image/svg+xml"}, "/params/content_type"),
        ({"filename": "a.html"}, "/params/filename"),
        ({"filename": "a.png.html", "content_type": "image/png"}, "/params/filename"),
        ({"filename": "../a.txt"}, "/params/filename"),
        ({"filename": "a b.txt"}, "/params/filename"),
        ({"filename": ".txt"}, "/params/filename"),
        ({"filename": "a.txt", "content_base64": "Q"}, "/params/content_base64"),
        ({"filename": "a.txt", "content_base64": ""}, "/params/content_base64"),
        (
            {"filename": "a.txt", "content_base64": "A" * (MAX_ATTACHMENT // 3 * 4 + 8)},
            "/params/content_base64",
        ),
    ],
)
def test_an_attachment_that_could_act_or_is_too_large_is_to_be_mended(
    params: dict[str, Any], field: str
) -> None:
    assert mended("issue.attach", {"content_base64": "QQ==", **params}).field == field


def test_every_content_type_can_be_attached_under_each_of_its_endings() -> None:
    for content_type, endings in CONTENT_TYPES.items():
        for ending in endings:
            params = {"filename": f"A{ending}", "content_base64": "QQ==", "content_type": content_type}
            assert isinstance(meant("issue.attach", SHOP_1, params).params, IssueAttach)


def test_a_secret_in_an_attachment_is_cut_out_and_named_by_its_file() -> None:
    given = encoded(f"a\n{SECRET}\n".encode())
    action = meant("issue.attach", SHOP_1, {"filename": "scan.log", "content_base64": given})
    (cut,) = action.redactions

    assert isinstance(action.params, IssueAttach)
    assert SECRET.encode() not in base64.b64decode(action.params.content_base64)
    assert (cut.field, cut.path, cut.line) == ("/params/content_base64", "scan.log", 2)


def test_the_policy_does_not_see_what_is_attached() -> None:
    action = meant("issue.attach", SHOP_1, {"filename": "a.txt", "content_base64": "QQ=="})

    seen = policy_input(action, facts(), None, supported=True)

    assert seen.action.params == {"filename": "a.txt", "content_type": "text/plain"}


def subject(action: Action, issue: IssueFacts) -> dict[str, Any]:
    return ask(action, facts(issue=issue), None, ruling()).subject


def test_the_question_holds_what_would_be_overwritten_as_it_is() -> None:
    now = {"title": "Old", "description": {"text": "Was", "sha256": "0" * 64}}
    issue = IssueFacts(key="SHOP-1", status="To Do", project="SHOP", current=now)

    assert subject(meant("issue.update", SHOP_1, {"title": "t", "description": "d"}), issue) == now
    assert subject(meant("issue.close", SHOP_1, {}), issue) == {"status": "To Do"}
    assert subject(meant("issue.reopen", SHOP_1, {}), issue) == {"status": "To Do"}
    assert (
        subject(meant("issue.attach", SHOP_1, {"filename": "a.txt", "content_base64": "QQ=="}), issue) == {}
    )


def test_the_policy_sees_old_titles_but_no_old_descriptions() -> None:
    now = {"title": "Old", "description": {"text": "Was", "sha256": "0" * 64}}
    issue = IssueFacts(key="SHOP-1", status="To Do", project="SHOP", current=now)

    seen = policy_input(
        meant("issue.update", SHOP_1, {"title": "t"}), facts(issue=issue), None, supported=True
    )

    assert seen.issue is not None
    assert seen.issue.current == {"title": "Old"}
