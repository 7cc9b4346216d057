"""Why each rule spoke or did not, on the shipped library."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import SettingsError
from gateway.core.rulings import Effect
from gateway.workbench.explain import (
    Explanation,
    Look,
    difference_sentence,
    explain_report,
    explained,
    explained_again,
    verdict_sentence,
    why_quiet,
)
from gateway.workbench.explain_inputs import input_in
from gateway.workbench.formats import Format, rendered
from gateway.workbench.replay import Obstacle, Unreplayable, judging
from tests.gateway.workbench.records import ruling
from tests.gateway.workbench.trees import SHIPPED, shipped_copy

LARGE = {"base": "commit", "set": {"diff.files_changed": 45}}


def written(folder: Path, content: Any) -> Path:
    file = folder / "asked.json"
    file.write_text(json.dumps(content), "utf-8")
    return file


async def of(folder: Path, content: Any, policies: Path = SHIPPED) -> Explanation:
    given = input_in(written(folder, content), policies)
    async with judging(policies) as judge:
        return await explained(policies, judge, given.document, "asked.json")


def look(explanation: Explanation, code: str) -> Look:
    return next(one for one in explanation.looks if one.code == code)


@pytest.mark.slow
async def test_every_rule_is_told_and_each_quiet_one_says_by_which_condition(tmp_path: Path) -> None:
    explanation = await of(tmp_path, LARGE)
    async with judging(SHIPPED) as judge:
        registered = set(judge.built.data["registry"])

    large = look(explanation, "BLAST-001")
    assert explanation.effect is Effect.REQUIRE_APPROVAL
    assert (large.outcome, large.stopped) == ("asks", ())
    assert "files 45" in large.message
    assert large.helps
    assert {one.code for one in explanation.looks} == registered
    quiet = [one for one in explanation.looks if one.outcome == "quiet"]
    assert all(one.stopped for one in quiet), [one.code for one in quiet if not one.stopped]
    assert all((SHIPPED / stop.file).exists() for one in quiet for stop in one.stopped)
    assert "service-owner" in verdict_sentence(explanation)


@pytest.mark.slow
async def test_a_quiet_rule_names_the_facts_it_stopped_at(tmp_path: Path) -> None:
    explanation = await of(tmp_path, {"base": "commit"})
    (files,) = why_quiet(look(explanation, "BLAST-001"))
    stopped = "\n".join(why_quiet(look(explanation, "TRUST-002")))

    assert files.startswith("not facts.within(files, limit) (files.rego:")
    assert "files = 2" in files
    assert "limit = 20" in files
    assert 'because facts.at(["agent", "status"]) == "active"' in stopped
    assert "agent.status = active" in stopped


@pytest.mark.slow
async def test_what_does_not_count_says_why_it_does_not(tmp_path: Path) -> None:
    policies = shipped_copy(tmp_path)
    modes = policies / "data" / "modes.yaml"
    for mode, outcome in (("shadow", "in shadow"), ("off", "off")):
        modes.write_text(f'modes: {{BLAST-001: {{mode: "{mode}"}}}}\n', "utf-8")
        assert look(await of(tmp_path, LARGE, policies), "BLAST-001").outcome == outcome


@pytest.mark.slow
async def test_a_recorded_decision_is_set_beside_what_a_draft_makes_of_it(tmp_path: Path) -> None:
    given = input_in(written(tmp_path, LARGE), SHIPPED)
    policies = shipped_copy(tmp_path)
    params = policies / "data" / "params.yaml"
    params.write_text(params.read_text("utf-8").replace("files: {low: 20,", "files: {low: 2000,"), "utf-8")
    async with judging(SHIPPED) as judge:
        before = await judge.judge(ruling(document=given.document), given.document)
        alike = await explained_again(SHIPPED, judge, before)
    async with judging(policies) as judge:
        draft = await explained_again(policies, judge, before)
        erased = await explained_again(policies, judge, before.model_copy(update={"document": None}))

    assert not isinstance(alike, Unreplayable)
    assert not isinstance(draft, Unreplayable)
    assert alike[1].flip is None
    assert "decided alike" in difference_sentence(alike[1])
    assert draft[0].effect is Effect.ALLOW
    assert "Looser" in difference_sentence(draft[1])
    assert "BLAST-001 finds nothing any more" in difference_sentence(draft[1])
    assert "service-owner" in difference_sentence(draft[1])
    assert isinstance(erased, Unreplayable)
    assert erased.obstacle is Obstacle.ERASED


@pytest.mark.slow
async def test_a_denial_by_the_gate_is_explained_too(tmp_path: Path) -> None:
    explanation = await of(tmp_path, {"base": "commit", "set": {"action.project": "other/place"}})

    assert explanation.effect is Effect.DENY
    assert look(explanation, "GATE-001").outcome == "denies"
    assert "GATE-001" in verdict_sentence(explanation)
    sarif = json.loads(rendered(explain_report(explanation, summary="no"), Format.SARIF))
    assert {"GATE-001"} <= {result["ruleId"] for result in sarif["runs"][0]["results"]}


def test_a_proposal_takes_its_other_facts_from_the_base_of_its_type(tmp_path: Path) -> None:
    aim = {"system": "gitlab", "project": "shop/payments", "branch": "agent/x"}
    given = input_in(written(tmp_path, {"type": "commit.create", "target": aim}), SHIPPED)

    assert given.assumed == "commit"
    assert given.document["action"]["project"] == "shop/payments"
    assert given.document["action"]["target"] == aim


def test_a_whole_policy_input_is_taken_as_it_is(tmp_path: Path) -> None:
    document = input_in(written(tmp_path, LARGE), SHIPPED).document

    assert input_in(written(tmp_path, document), SHIPPED) == (document, "")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([], "holds no object"),
        ({}, "it may be a policy input, a case"),
        ({"base": "nothing"}, "there is no bases/nothing.yaml"),
        ({"base": "commit", "set": {"weather.today": 1}}, "no such place"),
        ({"base": "commit", "data": {"modes": {}}}, "data is not looked at"),
        ({"type": "moon.land", "target": {}}, "no base"),
        ({"type": "commit.create", "target": "shop/checkout"}, "are objects"),
    ],
)
def test_a_file_that_says_nothing_is_told_what_it_may_hold(
    tmp_path: Path, content: Any, complaint: str
) -> None:
    with pytest.raises(SettingsError, match=complaint):
        input_in(written(tmp_path, content), SHIPPED)
