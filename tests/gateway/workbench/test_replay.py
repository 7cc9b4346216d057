"""Recorded decisions judged again, by the same policy and by others."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.core.digests import input_bytes
from gateway.core.recorded import RecordedRuling
from gateway.core.rulings import Effect
from gateway.workbench.cases import cases
from gateway.workbench.replay import Judge, Obstacle, Replay, judging, replay
from gateway.workbench.replay_changes import Turn
from tests.gateway.workbench.records import found, ruling
from tests.gateway.workbench.trees import SHIPPED, shipped_copy

pytestmark = pytest.mark.slow


async def recorded_cases(judge: Judge, *, of: str = "") -> list[RecordedRuling]:
    """The library's cases as if each had been judged on the road; `of` names the rule whose cases are wanted."""
    placed = [one for one in cases(SHIPPED) if of in one.file and not one.case.data]
    history = []
    for number, one in enumerate(placed):
        try:
            digest = hashlib.sha256(input_bytes(one.document)).hexdigest()
        except ValueError:
            continue
        blank = ruling(id=f"rul_{number}", action_id=f"act_{number}", input_digest=digest, document=None)
        history.append(await judge.judge(blank, one.document))
    return history


@asynccontextmanager
async def changed(folder: Path, file: str, old: str, new: str) -> AsyncIterator[Judge]:
    """A judge by a copy of the library in which one thing is written otherwise."""
    policies = shipped_copy(folder)
    text = (policies / file).read_text("utf-8")
    assert old in text
    (policies / file).write_text(text.replace(old, new, 1), "utf-8")
    async with judging(policies) as judge:
        yield judge


async def replayed(judge: Judge, history: Sequence[RecordedRuling]) -> Replay:
    return await replay(history, judge)


def obstacles(done: Replay) -> list[Obstacle]:
    return [one.obstacle for one in done.unreplayable]


@pytest.fixture(scope="module")
def files_history() -> list[RecordedRuling]:
    """What the shipped policy says of the cases of BLAST-001."""

    async def judged() -> list[RecordedRuling]:
        async with judging(SHIPPED) as judge:
            return await recorded_cases(judge, of="blast/files")

    return asyncio.run(judged())


async def test_the_same_policy_flips_none_of_the_librarys_cases() -> None:
    async with judging(SHIPPED) as judge:
        history = await recorded_cases(judge)
        told: list[int] = []
        done = await replay(history, judge, told.append)

    broken = [r for r in history if any(f.code == "GATE-002" for f in r.findings)]
    assert len(history) > 100
    assert {r.effect for r in history} == {Effect.ALLOW, Effect.REQUIRE_APPROVAL, Effect.DENY}
    assert (done.flips, done.reworded) == ((), 0)
    assert done.same + len(done.unreplayable) == done.seen == len(history)
    # Only cases that damage the input on purpose have not the form of one.
    assert set(obstacles(done)) <= {Obstacle.OTHER_FORM}
    assert {one.ruling_id for one in done.unreplayable} <= {r.id for r in broken}
    assert told == sorted(told)
    assert told[-1] == len(history)


async def test_a_raised_limit_is_looser(files_history: list[RecordedRuling], tmp_path: Path) -> None:
    async with changed(tmp_path, "data/params.yaml", "files: {low: 20,", "files: {low: 2000,") as judge:
        done = await replayed(judge, files_history)

    assert done.flips
    assert {flip.turn for flip in done.flips} == {Turn.LOOSER}
    assert {c.code for flip in done.flips for c in flip.causes} == {"BLAST-001"}
    assert {flip.what for flip in done.flips} == {"ASK → ALLOW", "asks others"}


async def test_a_lowered_limit_is_stricter(files_history: list[RecordedRuling], tmp_path: Path) -> None:
    async with changed(tmp_path, "data/params.yaml", "files: {low: 20,", "files: {low: 0,") as judge:
        done = await replayed(judge, files_history)

    assert done.flips
    assert {flip.turn for flip in done.flips} == {Turn.STRICTER}


async def test_a_rule_in_shadow_is_looser_and_said_to_be_in_shadow(
    files_history: list[RecordedRuling], tmp_path: Path
) -> None:
    async with changed(
        tmp_path, "data/modes.yaml", "modes: {}", "modes: {BLAST-001: {mode: shadow}}"
    ) as judge:
        done = await replayed(judge, files_history)

    assert {(c.code, c.how) for flip in done.flips for c in flip.causes} == {("BLAST-001", "in shadow now")}


async def test_an_exception_is_looser_and_named(files_history: list[RecordedRuling], tmp_path: Path) -> None:
    excused = {
        "id": "EX-7",
        "code": "BLAST-001",
        "project": "**",
        "agent": "*",
        "expires_ms": 2**52,
        "owner": "prn_platform",
        "ticket": "SHOP-1",
        "reason": "A test.",
    }
    written = f"exceptions: [{json.dumps(excused)}]"
    async with changed(tmp_path, "data/exceptions.yaml", "exceptions: []", written) as judge:
        done = await replayed(judge, files_history)

    assert {c.how for flip in done.flips for c in flip.causes} == {"waived by EX-7"}


async def test_what_cannot_be_judged_again_is_counted_with_its_reason(
    files_history: list[RecordedRuling],
) -> None:
    whole = files_history[0]
    document = dict(whole.document or {})
    history = [
        whole.model_copy(update={"document": None}),
        whole.model_copy(update={"document": {**document, "commits_total": 99}}),
        with_document(whole, {k: v for k, v in document.items() if k != "costs"}),
        with_document(whole, {**document, "weather": "fair"}),
        whole.model_copy(update={"document": {**document, "commits_total": 0.5}}),
        whole.model_copy(update={"findings": (found("POLICY_UNAVAILABLE", reason="time-out"),)}),
        whole,
    ]
    async with judging(SHIPPED) as judge:
        done = await replayed(judge, history)

    assert obstacles(done) == [
        Obstacle.ERASED,
        Obstacle.OTHER_INPUT,
        Obstacle.OTHER_FORM,
        Obstacle.OTHER_FORM,
        Obstacle.NO_FORM,
        Obstacle.SILENT,
    ]
    assert "costs" in done.unreplayable[2].detail
    assert "weather" in done.unreplayable[3].detail
    assert (done.seen, done.same, done.flips) == (7, 1, ())


async def test_facts_the_policy_wants_and_the_record_lacks_are_no_flip(
    files_history: list[RecordedRuling], tmp_path: Path
) -> None:
    """A contract that asks for more would deny everything old for GATE-002, which says nothing about its rules."""
    unread = next(
        r for r in files_history if r.action_type == "commit.create" and (r.document or {})["tag"] is None
    )
    async with changed(tmp_path, "data/contract.yaml", "commit.create: [", "commit.create: [tag, ") as judge:
        done = await replayed(judge, [unread])

    assert obstacles(done) == [Obstacle.FACTS_LACK]
    assert done.unreplayable[0].detail == "tag"


def with_document(before: RecordedRuling, document: dict[str, Any]) -> RecordedRuling:
    digest = hashlib.sha256(input_bytes(document)).hexdigest()
    return before.model_copy(update={"document": document, "input_digest": digest})
