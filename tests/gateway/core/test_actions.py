"""Actions: their digest, their life cycle, their vocabulary."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from gateway.core.actions import LIFE_CYCLE, RESUMABLE, ActionState, Target, is_final, may_become
from gateway.core.catalogue import BranchEnvironment, Catalogue, Service
from gateway.core.error_codes import ERROR_CODES
from gateway.core.errors import FactsMissingError, LoopgateError, MalformedError, TargetRefusedError
from gateway.core.facts import TextFacts
from gateway.core.outcomes import AnyOutcome
from gateway.core.params import PARAMS, NoParams, Params, UntypedParams, params_model
from gateway.core.permits import PermitRefusedError
from gateway.core.principals import Agent, Person, Principal, Role, Roster, Tier
from gateway.core.vocabulary import SPECS, ActionType, System
from tests.gateway.core.making import AGENT, HEAD, action, change, changed

S = ActionState


@pytest.mark.parametrize(
    "same",
    [{"id": "act_2"}, {"trace": "trc_2"}, {"created_ms": 1}, {"idempotency_key": "k"}, {"door": "git"}],
)
def test_what_is_not_asked_is_not_in_the_digest(same: dict[str, Any]) -> None:
    assert action(**same).digest == action().digest


@pytest.mark.parametrize(
    "other",
    [
        {"intent": "another"},
        {"agent": "agt_other"},
        {"on_behalf_of": "prn_other"},
        {"params": {"expected_head": HEAD, "squash": True}},
        {"aims": {"project": "shop/checkout", "merge_request": 8}},
    ],
)
def test_what_is_asked_and_for_whom_is_in_the_digest(other: dict[str, Any]) -> None:
    assert action(**other).digest != action().digest


def test_the_digest_of_a_known_action_never_changes() -> None:
    assert action().digest == "0a82c55bc019801268613b95629743120fa9054d7cb39d30b690154133da7ca2"


def test_a_target_shows_what_is_set() -> None:
    assert Target(system=System.GITLAB, project="a/b", issue="0").compact() == {
        "system": "gitlab",
        "project": "a/b",
        "issue": "0",
    }


def test_the_life_cycle_knows_every_state_and_ends() -> None:
    assert LIFE_CYCLE.keys() == set(ActionState)
    assert {s for s in S if is_final(s)} == {
        S.DENIED,
        S.PERFORMED,
        S.REFUSED,
        S.REJECTED,
        S.EXPIRED,
        S.STALE,
        S.CANCELLED,
    }
    assert not any(is_final(s) for s in RESUMABLE)


def test_only_started_actions_are_performed_and_never_twice() -> None:
    assert {s for s in S if may_become(s, S.PERFORMED)} == {S.STARTED, S.IN_DOUBT}
    assert not may_become(S.STARTED, S.STARTED)
    assert not may_become(S.IN_DOUBT, S.STARTED)


def test_every_state_but_the_first_can_be_reached() -> None:
    reached, now = {S.REQUESTED}, {S.REQUESTED}
    while now := {then for s in now for then in LIFE_CYCLE[s]} - reached:
        reached |= now

    assert reached == set(S)


def test_every_type_is_specified_and_every_supported_one_has_params() -> None:
    assert SPECS.keys() == set(ActionType)
    for kind, spec in SPECS.items():
        assert set(spec.aims) | set(spec.may_aim) <= Target.model_fields.keys() - {"system"}
        assert set(spec.supported) <= set(spec.systems)
        assert not spec.supported or kind in PARAMS
        assert params_model(kind) is PARAMS.get(kind, UntypedParams)


def test_every_params_model_names_its_free_texts() -> None:
    free = {"title", "description", "body", "message"}
    models: set[type[Params]] = {*PARAMS.values(), UntypedParams, NoParams}

    silent = {m for m in models if m.texts is Params.texts}
    assert all(not free & m.model_fields.keys() for m in silent)
    assert all(m.model_fields.keys() & {*free, "link_title", "variables"} for m in models - silent)


def test_the_texts_of_a_transition_are_those_given() -> None:
    kind = ActionType.ISSUE_TRANSITION
    linked = {"to": "Done", "link": "https://x.example/1"}

    assert action(kind, params={"to": "Done"}).params.texts() == {}
    assert action(kind, params=linked).params.texts() == {"link": "https://x.example/1"}
    assert action(ActionType.COMMIT_REVERT).params.texts() == {}


def test_a_roster_and_a_catalogue_are_looked_up_by_id() -> None:
    person, agent = Person(id="prn_a"), Agent(id=AGENT, owner="prn_a", tier=Tier.OBSERVER)
    roster = Roster(people=(person,), agents=(agent,))
    service = Service(name="s", project="p/p")

    assert (roster.person("prn_a"), roster.person("prn_b")) == (person, None)
    assert (roster.agent(AGENT), roster.agent("agt_b")) == (agent, None)
    assert Catalogue(services=(service,)).service("s") == service
    assert Catalogue().service("s") is None
    assert Principal(id=AGENT, roles=(Role.AGENT,)).is_agent
    assert not Principal(id="prn_a", roles=(Role.OPERATOR,)).is_agent


def test_a_change_counts_its_lines_and_names_both_paths_of_a_rename() -> None:
    one = change(changed("b", 3, deletions=2), changed("c", 1, previous_path="a"))

    assert one.lines == 6
    assert one.paths == ("a", "b", "c")


def test_every_outcome_has_a_kind_of_its_own() -> None:
    kinds = [o.model_fields["kind"].default for o in get_args(AnyOutcome)]

    assert len(set(kinds)) == len(kinds) == 9


def test_errors_carry_a_stable_code_and_a_sentence() -> None:
    assert MalformedError("x", field="/a").code == "malformed"
    assert LoopgateError("x", code="y").code == "y"
    assert TargetRefusedError("x", retryable=True).retryable
    assert PermitRefusedError("x").code == "permit_refused"
    assert str(LoopgateError("why")) == LoopgateError("why").detail == "why"


def test_text_facts_begin_empty() -> None:
    assert TextFacts().total == 0


def test_a_missing_fact_says_when_to_come_back() -> None:
    error = FactsMissingError("GitLab answers 429.", until_ms=5)

    assert (error.until_ms, error.retryable, error.code) == (5, True, "facts_missing")


def test_every_error_code_is_listed_once_with_what_to_do() -> None:
    codes = [c.code for c in ERROR_CODES]

    assert len(codes) == len(set(codes))
    assert all(400 <= c.status < 600 and c.remedy.endswith(".") for c in ERROR_CODES)


def test_a_catalogue_with_a_pattern_nobody_reads_alike_is_refused() -> None:
    with pytest.raises(ValidationError, match="only \\*, \\*\\* and \\? are special"):
        Service(name="s", project="p/p", paths=("src/[ab]/**",))
    with pytest.raises(ValidationError):
        BranchEnvironment(project="p/p", branch="release/{1,2}", environment="production")
