"""Params hold what their type documents and nothing else: no member that a vendor would carry out rides along."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from gateway.core.errors import MalformedError
from gateway.core.forms import fill
from gateway.core.params import PARAMS, FileChange, Params
from gateway.core.vocabulary import SPECS, ActionType
from tests.gateway.core.test_normalise import PARAMS_OF

# What Jira and GitLab would carry out or keep, were it handed through: their documented members beside the fields.
RIDERS: dict[str, Any] = {
    "transition": {"id": "31"},
    "update": {"comment": [{"add": {"body": "hi"}}]},
    "properties": [{"key": "lg", "value": "1"}],
    "historyMetadata": {"type": "x"},
    "fields": {"assignee": {"accountId": "1"}},
    "notifyUsers": False,
    "overrideScreenSecurity": True,
    "adf": {"type": "doc", "version": 1, "content": [{"type": "mention"}]},
    "quick_actions": ["/merge"],
    "state_event": "close",
    "auto_merge": True,
    "merge_when_pipeline_succeeds": True,
    "sudo": "root",
    "force": True,
}


def models() -> list[type[BaseModel]]:
    """Every params model, and the one model inside another."""
    return [*dict.fromkeys(PARAMS.values()), FileChange]


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
@pytest.mark.parametrize("rider", sorted(RIDERS))
def test_no_model_of_params_takes_a_member_it_does_not_document(model: type[BaseModel], rider: str) -> None:
    assert rider not in {field.alias or name for name, field in model.model_fields.items()}
    with pytest.raises(ValidationError) as refused:
        model.model_validate({rider: RIDERS[rider]})

    assert ("extra_forbidden", (rider,)) in {(e["type"], e["loc"]) for e in refused.value.errors()}


@pytest.mark.parametrize("kind", sorted(PARAMS_OF))
@pytest.mark.parametrize("rider", sorted(RIDERS))
def test_good_params_with_a_rider_are_refused_with_its_place(kind: ActionType, rider: str) -> None:
    given = {**PARAMS_OF[kind], rider: RIDERS[rider]}

    with pytest.raises(MalformedError) as refused:
        fill(kind, given)

    assert refused.value.field == f"/params/{rider}"


@pytest.mark.parametrize("kind", [t for t, spec in SPECS.items() if spec.supported], ids=lambda t: t.value)
def test_every_type_that_is_performed_has_params_of_its_own(kind: ActionType) -> None:
    assert kind in PARAMS
    assert issubclass(PARAMS[kind], Params)
    assert PARAMS[kind].model_config["extra"] == "forbid"


def test_a_text_that_is_a_document_of_the_vendor_is_no_text() -> None:
    document = {"type": "doc", "version": 1, "content": [{"type": "inlineCard", "attrs": {"url": "x"}}]}

    with pytest.raises(MalformedError) as refused:
        fill(ActionType.ISSUE_COMMENT, {"body": document})

    assert refused.value.field == "/params/body"
