"""From a request to an action, or to an error that says what to mend; never anything else."""

import math
from typing import Any

import pytest

from gateway.core.actions import Action, Request
from gateway.core.errors import MalformedError, OutOfScopeError
from gateway.core.normalise import MAX_INTENT, normalise
from gateway.core.params import UntypedParams, params_model
from gateway.core.principals import Role, Scope
from gateway.core.vocabulary import SPECS, ActionType
from gateway.core.wellformed import MAX_DEPTH, weight
from tests.gateway.core.making import AGENT, GITLAB, HEAD, JIRA, NOW_MS, OWNER, meant, principal

SECRET = "glpat-" + "a1B2_" * 4
AIMS: dict[str, Any] = {
    "project": "shop/checkout",
    "issue": "7",
    "branch": "agent/x",
    "commit": HEAD,
    "merge_request": 7,
    "environment": "production",
    "pipeline": 1,
    "job": 2,
    "tag": "v1.0",
    "refs": ["refs/heads/agent/x"],
    "stop": "stp_1",
    "subject": "prn_1",
}
PARAMS_OF: dict[ActionType, dict[str, Any]] = {
    ActionType.ISSUE_CREATE: {"title": "t"},
    ActionType.ISSUE_COMMENT: {"body": "b"},
    ActionType.ISSUE_TRANSITION: {"to": "In Progress"},
    ActionType.ISSUE_UPDATE: {"title": "t"},
    ActionType.ISSUE_ASSIGN: {"assignee": "prn_1"},
    ActionType.ISSUE_LINK: {"issue": "8"},
    ActionType.ISSUE_ATTACH: {"filename": "a.txt", "content_base64": "QQ=="},
    ActionType.COMMIT_CREATE: {"message": "m", "changes": [{"op": "delete", "path": "a"}]},
    ActionType.COMMIT_COMMENT: {"body": "b"},
    ActionType.MERGE_REQUEST_OPEN: {"source": "agent/x", "target": "main", "title": "t"},
    ActionType.MERGE_REQUEST_COMMENT: {"body": "b"},
    ActionType.MERGE_REQUEST_MERGE: {"expected_head": HEAD},
    ActionType.MERGE_REQUEST_UPDATE: {"title": "t"},
    ActionType.TAG_CREATE: {"ref": "main"},
    ActionType.PIPELINE_RUN: {"ref": "agent/x"},
    ActionType.DEPLOYMENT_ROLLBACK: {"to": HEAD},
    ActionType.POLICY_ACTIVATE: {"digest": "d" * 64},
    ActionType.POLICY_ROLLBACK: {"digest": "d" * 64},
}
OWN: dict[str, Any] = {"system": "loopgate", "subject": "prn_1"}
MERGE: dict[str, Any] = {**GITLAB, "merge_request": 7}


def refused(kind: str, target: dict[str, Any], params: Any = None, **changes: Any) -> MalformedError:
    """The error that this request gets."""
    with pytest.raises(MalformedError) as caught:
        meant(kind, target, params, **changes)
    return caught.value


@pytest.mark.parametrize("kind", list(ActionType))
def test_the_whole_vocabulary_has_a_normal_form(kind: ActionType) -> None:
    spec = SPECS[kind]
    aims = {name: AIMS[name] for name in spec.aims}

    action = meant(kind.value, {"system": spec.systems[-1].value, **aims}, PARAMS_OF.get(kind, {}))

    assert action.type is kind
    assert action.target.compact() == {"system": spec.systems[-1].value, **aims}
    assert (action.agent, action.on_behalf_of, action.created_ms) == (AGENT, OWNER, NOW_MS)
    assert isinstance(action.params, params_model(kind))


@pytest.mark.parametrize("kind", list(ActionType))
def test_every_type_names_each_part_of_its_target_that_is_missing(kind: ActionType) -> None:
    spec = SPECS[kind]
    for left_out in spec.aims:
        aims = {name: AIMS[name] for name in spec.aims if name != left_out}

        error = refused(kind.value, {"system": spec.systems[-1].value, **aims}, PARAMS_OF.get(kind, {}))

        assert error.field == f"/target/{left_out}"
        assert "is missing" in error.detail


def test_params_of_types_not_supported_yet_are_kept_as_they_came() -> None:
    action = meant("audit.redact", OWN, {"who": ["a", 1, None, True, {"x": "y"}]})

    assert action.params == UntypedParams(given={"who": ["a", 1, None, True, {"x": "y"}]})


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("merge_request.merg", "Did you mean merge_request.merge?"),
        ("issue.delete", "Did you mean issue."),
        ("nonsense", "GET /v1/me"),
        ("", "GET /v1/me"),
        ("Issue.Create", "Did you mean issue.create?"),
    ],
)
def test_an_unknown_type_is_refused_with_a_hint(kind: str, said: str) -> None:
    error = refused(kind, GITLAB)

    assert error.field == "/type"
    assert said in error.detail


@pytest.mark.parametrize(
    ("params", "field", "said"),
    [
        ({}, "/params/expected_head", "is missing"),
        ({"expected_head": HEAD[1:]}, "/params/expected_head", "pattern"),
        ({"expected_head": HEAD.upper()}, "/params/expected_head", "pattern"),
        ({"expected_head": HEAD + "\n"}, "/params/expected_head", "pattern"),
        ({"expected_head": 7}, "/params/expected_head", "valid string"),
        ({"expected_head": HEAD, "squash": "yes"}, "/params/squash", "valid boolean"),
        ({"expected_head": HEAD, "squash": 1}, "/params/squash", "valid boolean"),
        ({"expected_head": HEAD, "force": True}, "/params/force", "takes expected_head, squash"),
        ({"expected_head": HEAD, "squash": None}, "/params/squash", "valid boolean"),
    ],
)
def test_wrong_params_are_named_exactly(params: dict[str, Any], field: str, said: str) -> None:
    error = refused("merge_request.merge", MERGE, params)

    assert error.field == field
    assert said in error.detail
    assert error.detail.startswith(field)


def test_a_type_without_params_says_so() -> None:
    error = refused("commit.revert", {**GITLAB, "branch": "main", "commit": HEAD}, {"x": 1})

    assert "takes no params" in error.detail


def test_the_wire_name_of_a_branch_start_is_from() -> None:
    target = {**GITLAB, "branch": "agent/x"}

    assert meant("branch.create", target, {"from": "main"}).params.canonical() == {"from": "main"}
    assert meant("branch.create", target, {"from": HEAD}).params.model_dump() == {"from": HEAD}
    assert meant("branch.create", target, {}).params.canonical() == {}
    assert "takes from" in refused("branch.create", target, {"from_": "main"}).detail
    assert refused("branch.create", target, {"from": "a..b"}).field == "/params/from"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"title": "a\nb"}, "/params/title"),
        ({"title": "a\x1bb"}, "/params/title"),
        ({"title": "   "}, "/params/title"),
        ({"title": ""}, "/params/title"),
        ({"title": "x" * 256}, "/params/title"),
        ({"title": "t", "description": "a\x07"}, "/params/description"),
        ({"title": "t", "description": "a\x9b"}, "/params/description"),
        ({"title": "t", "labels": ["a", "b c"]}, "/params/labels/1"),
        ({"title": "t", "labels": "a"}, "/params/labels"),
    ],
)
def test_texts_that_cannot_be_shown_are_refused(params: dict[str, Any], field: str) -> None:
    assert refused("issue.create", JIRA, params).field == field


@pytest.mark.parametrize("title", ["Two words", "a\u00a0b", "~", "Grüße 日本"])
def test_ordinary_titles_are_welcome(title: str) -> None:
    assert meant("issue.create", JIRA, {"title": title}).params.texts()["title"] == title


@pytest.mark.parametrize("character", ["\x1f", "\x7f", "\x80", "\x9f", "\t"])
def test_the_first_and_last_control_characters_are_refused_in_titles(character: str) -> None:
    assert refused("issue.create", JIRA, {"title": f"a{character}b"}).field == "/params/title"


def test_line_ends_and_tabs_are_welcome_in_long_texts() -> None:
    assert meant("issue.create", JIRA, {"title": "t", "description": "a\r\n\tb\n"}).params.texts()[
        "description"
    ]


def test_a_merge_request_into_its_own_branch_is_refused() -> None:
    params = {"source": "agent/x", "target": "agent/x", "title": "t"}

    assert refused("merge_request.open", GITLAB, params).field == "/params/target"
    assert refused("merge_request.open", GITLAB, {**params, "source": "x.lock"}).field == "/params/source"


def test_an_empty_optional_text_is_no_error() -> None:
    action = meant(
        "merge_request.open", GITLAB, {"source": "a", "target": "main", "title": "t", "description": ""}
    )

    assert action.params.texts() == {"title": "t", "description": ""}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"intent": "x" * (MAX_INTENT + 1)}, "/intent"),
        ({"intent": "a\x00b"}, "/intent"),
        ({"intent": "a\x1bb"}, "/intent"),
        ({"idempotency_key": ""}, "/idempotency_key"),
        ({"idempotency_key": "a b"}, "/idempotency_key"),
        ({"idempotency_key": "k" * 256}, "/idempotency_key"),
        ({"idempotency_key": SECRET}, "/idempotency_key"),
    ],
)
def test_the_envelope_is_checked_too(changes: dict[str, Any], field: str) -> None:
    assert refused("merge_request.merge", MERGE, {"expected_head": HEAD}, **changes).field == field


def test_a_trace_must_be_an_id() -> None:
    request = Request(type="merge_request.merge", target=MERGE, params={"expected_head": HEAD})

    with pytest.raises(MalformedError) as caught:
        normalise(request, principal(), action_id="act_1", trace="x", now_ms=1)

    assert caught.value.field == "/trace"


def deep(levels: int) -> dict[str, Any]:
    """A document that many levels deep."""
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"x": math.nan}, "whole number"),
        ({"x": math.inf}, "whole number"),
        ({"x": 1.5}, "whole number"),
        ({"x": 2**53}, "2^53"),
        ({"x": ["\ud800"]}, "surrogate"),
        ({"x": {"\ud800": 1}}, "plain ASCII"),
        ({"ключ": 1}, "plain ASCII"),
        ({"x": {"a b": 1}}, "plain ASCII"),
        ({"x": {"a/b": 1}}, "plain ASCII"),
        ({"x": {SECRET: 1}}, "plain ASCII"),
        (deep(MAX_DEPTH), "deeper than"),
        (deep(100_000), "deeper than"),
        ({"x": [0] * 30_000}, "more than"),
        ({"x": b"bytes"}, "not JSON"),
        ({"x": "a\0b"}, "NUL"),
    ],
)
def test_what_cannot_be_stored_or_digested_is_refused(params: dict[str, Any], said: str) -> None:
    with pytest.raises(MalformedError) as caught:
        meant_unchecked("issue.assign", {**JIRA, "issue": "SHOP-1"}, params)

    assert said in caught.value.detail


def meant_unchecked(kind: str, target: dict[str, Any], params: dict[str, Any]) -> Action:
    """Normalise what pydantic would not have let a door build."""
    request = Request.model_construct(
        type=kind, target=target, params=params, intent="", trace=None, idempotency_key=None
    )
    return normalise(request, principal(), action_id="act_1", trace="trc_1", now_ms=1)


@pytest.mark.parametrize(
    ("scope", "kind", "target"),
    [
        (Scope(), "issue.create", JIRA),
        (Scope(projects=("jira:SHOP",)), "issue.create", JIRA),
        (Scope(projects=("jira:PAY",), action_types=("*",)), "issue.create", JIRA),
        (Scope(projects=("SHOP",), action_types=("*",)), "issue.create", JIRA),
        (
            Scope(projects=("*",), action_types=("issue.*",)),
            "issue.create",
            {**GITLAB, "project": "shop/checkout"},
        ),
        (Scope(projects=("shop/*",), action_types=("branch.*",)), "issue.create", GITLAB),
        (Scope(projects=("shop/*",), action_types=("issue",)), "issue.create", GITLAB),
        (Scope(projects=("shop/*",), action_types=("*",)), "issue.create", {**GITLAB, "project": "shop/a/b"}),
        (Scope(projects=("shop/[a-z]",), action_types=("*",)), "issue.create", GITLAB),
    ],
)
def test_outside_its_scope_nothing_is_proposed(scope: Scope, kind: str, target: dict[str, Any]) -> None:
    request = Request(type=kind, target=target, params={"title": "t"})

    with pytest.raises(OutOfScopeError) as caught:
        normalise(request, principal(scope=scope), action_id="act_1", trace="trc_1", now_ms=1)

    assert caught.value.code == "out_of_scope"


def test_the_refusal_names_what_the_credential_may_do() -> None:
    scope = Scope(projects=("shop/*", "jira:SHOP"), action_types=("issue.*",))
    request = Request(type="branch.create", target={**GITLAB, "branch": "agent/x"})

    with pytest.raises(OutOfScopeError, match=r"It may propose issue\.\* in shop/\*, jira:SHOP\."):
        normalise(request, principal(scope=scope), action_id="act_1", trace="trc_1", now_ms=1)


def test_an_action_without_a_project_needs_its_type_in_scope() -> None:
    request = Request(type="stop.lift", target={"system": "loopgate", "stop": "stp_1"})
    scope = Scope(action_types=("stop.*",))

    action = normalise(request, principal(scope=scope), action_id="act_1", trace="trc_1", now_ms=1)

    assert action.target.project is None
    with pytest.raises(OutOfScopeError, match="no project"):
        normalise(
            request, principal(scope=Scope(action_types=("a",))), action_id="a", trace="trc_1", now_ms=1
        )


def test_projects_are_compared_without_regard_to_case_as_gitlab_finds_them() -> None:
    scope = Scope(projects=("Shop/*",), action_types=("*",))
    request = Request(
        type="issue.create", target={**GITLAB, "project": "SHOP/Checkout"}, params={"title": "t"}
    )

    action = normalise(request, principal(scope=scope), action_id="act_1", trace="trc_1", now_ms=1)

    assert action.target.project == "shop/checkout"


def test_a_person_acts_for_themself_and_an_agent_for_its_owner() -> None:
    request = Request(type="issue.create", target=JIRA, params={"title": "t"})
    person = principal(id="prn_maya", roles=(Role.OPERATOR,), owner=None)

    assert normalise(request, person, action_id="a", trace="trc_1", now_ms=1).on_behalf_of == "prn_maya"
    with pytest.raises(OutOfScopeError, match="no owner"):
        normalise(request, principal(owner=None), action_id="a", trace="trc_1", now_ms=1)


def test_a_secret_in_a_text_is_cut_out_before_anything_is_stored() -> None:
    action = meant(
        "issue.create",
        JIRA,
        {"title": f"use {SECRET}", "description": f"a\nb {SECRET}\n{'AKIA' + 'A' * 16}"},
        intent=f"because {SECRET}",
    )

    assert SECRET not in action.model_dump_json()
    assert action.intent == "because {redacted:gitlab-token}"
    assert [(r.field, r.detector, r.line) for r in action.redactions] == [
        ("/intent", "gitlab-token", 1),
        ("/params/title", "gitlab-token", 1),
        ("/params/description", "gitlab-token", 2),
        ("/params/description", "aws-key", 3),
    ]


def test_a_redacted_action_reads_back_from_its_own_json() -> None:
    title = f"{SECRET} " + "x" * 228
    action = meant("issue.create", JIRA, {"title": title})

    again = params_model(action.type).model_validate(action.params.model_dump(mode="json"))

    assert again == action.params
    assert len(title) == 255


def test_equal_requests_have_equal_digests_and_the_trace_is_not_in_them() -> None:
    request = Request(type="issue.create", target=JIRA, params={"title": "t"}, idempotency_key="k")
    one = normalise(request, principal(), action_id="act_1", trace="trc_1", now_ms=1)
    two = normalise(
        request.model_copy(update={"idempotency_key": None}),
        principal(),
        action_id="act_2",
        trace="trc_2",
        now_ms=2,
    )

    assert one.digest == two.digest
    assert one.digest != meant("issue.create", JIRA, {"title": "T"}).digest


def test_the_weight_of_a_document_is_that_of_its_texts() -> None:
    assert weight({"a": ["one", {"b": ("two", 3, None)}], "long name": "four"}) == 10
