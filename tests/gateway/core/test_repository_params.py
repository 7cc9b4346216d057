"""The params of tags, merge requests and pipelines: what they refuse, and what of them is text."""

from typing import Any

import pytest

from gateway.core.errors import MalformedError
from gateway.core.params import MergeRequestUpdate, PipelineRun
from tests.gateway.core.making import GITLAB, meant

REQUEST = {**GITLAB, "merge_request": 7}
TAG = {**GITLAB, "tag": "v1"}


@pytest.mark.parametrize(
    ("kind", "target", "params", "field"),
    [
        ("tag.create", TAG, {"ref": "refs/heads/main"}, "/params/ref"),
        ("tag.create", TAG, {}, "/params/ref"),
        ("merge_request.update", REQUEST, {}, "/params"),
        ("merge_request.update", REQUEST, {"target": "HEAD"}, "/params/target"),
        ("pipeline.run", GITLAB, {"ref": "a..b"}, "/params/ref"),
        ("pipeline.run", GITLAB, {"ref": "f" * 40}, "/params/ref"),
        (
            "pipeline.run",
            GITLAB,
            {"ref": "agent/x", "variables": [{"key": "A", "value": "1"}, {"key": "A", "value": "2"}]},
            "/params/variables",
        ),
        (
            "pipeline.run",
            GITLAB,
            {"ref": "agent/x", "variables": [{"key": "1-A", "value": "1"}]},
            "/params/variables/0/key",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(
    kind: str, target: dict[str, Any], params: dict[str, Any], field: str
) -> None:
    with pytest.raises(MalformedError) as caught:
        meant(kind, target, params)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("kind", "target", "params"),
    [
        ("tag.create", TAG, {"ref": "f" * 40}),
        ("merge_request.update", REQUEST, {"target": "main"}),
        ("merge_request.update", REQUEST, {"labels": []}),
        ("pipeline.run", GITLAB, {"ref": "agent/x", "variables": [{"key": "B", "value": "x"}]}),
    ],
)
def test_what_makes_sense_is_taken(kind: str, target: dict[str, Any], params: dict[str, Any]) -> None:
    assert meant(kind, target, params).params.canonical().items() >= params.items()


def test_an_update_names_what_it_overwrites_and_its_texts() -> None:
    update = MergeRequestUpdate(title="T", draft=False)

    assert update.given == ("draft", "title")
    assert update.texts() == {"title": "T"}


def test_the_values_of_variables_are_texts_and_their_names_facts() -> None:
    run = PipelineRun.model_validate(
        {"ref": "agent/x", "variables": [{"key": "B", "value": "/merge"}, {"key": "A", "value": "2"}]}
    )

    assert run.names == ("A", "B")
    assert run.texts() == {"variables/0/value": "/merge", "variables/1/value": "2"}
