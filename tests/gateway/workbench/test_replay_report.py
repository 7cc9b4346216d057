"""A replay as people and pipelines read it."""

import json
from xml.etree import ElementTree as ET

import pytest

from gateway.core.errors import SettingsError
from gateway.core.rulings import Effect
from gateway.workbench.formats import Format, rendered
from gateway.workbench.replay import Obstacle, Replay, Unreplayable
from gateway.workbench.replay_changes import FailOn, flip_of
from gateway.workbench.replay_period import moment_ms
from gateway.workbench.replay_report import fails, replay_markdown, replay_report, sentence, summary_of
from tests.gateway.workbench.records import SRE, found, ruling

NOW = 1_800_000_000_000
DENIED = ruling(findings=(found("X-001"),))
ASKED = ruling(findings=(found("X-001", Effect.REQUIRE_APPROVAL),), clauses=(SRE,))
LOOSER = [
    flip_of(before, ruling())
    for before in (
        DENIED,
        DENIED.model_copy(update={"id": "rul_2", "agent": "agt_other", "place": "shop/@all|x"}),
        ASKED,
    )
]
STRICTER = [flip_of(ruling(place=None), DENIED)]
LOST = (
    Unreplayable(ruling_id="rul_8", action_id="act_8", obstacle=Obstacle.ERASED),
    Unreplayable(ruling_id="rul_9", action_id="act_9", obstacle=Obstacle.FACTS_LACK, detail="tag"),
)


def done(*, looser: bool = False, stricter: bool = False, lost: bool = False, seen: int = 10) -> Replay:
    flips = tuple(f for f in (*(LOOSER if looser else ()), *(STRICTER if stricter else ())) if f)
    gone = LOST if lost else ()
    return Replay(
        policy_digest="d" * 64,
        revision="",
        seen=seen,
        same=seen - len(flips) - len(gone),
        reworded=0,
        flips=flips,
        unreplayable=gone,
    )


def test_flips_of_one_kind_are_one_row_with_everybody_they_touch() -> None:
    summary = summary_of(done(looser=True, stricter=True), "a test")
    first, second, third = summary.groups

    assert (first.what, first.count, first.agents) == ("DENY → ALLOW", 2, ("agt_fixer", "agt_other"))
    assert (second.what, second.count) == ("ASK → ALLOW", 1)
    assert (third.what, third.places) == ("ALLOW → DENY", ("loopgate",))
    assert (summary.looser, summary.stricter) == (3, 1)
    assert summary.places == ("loopgate", "shop/@all|x", "shop/checkout")


@pytest.mark.parametrize(
    ("replayed", "reasons", "expected"),
    [
        (done(), {FailOn.LOOSENING, FailOn.TIGHTENING, FailOn.UNREPLAYABLE}, False),
        (done(looser=True), {FailOn.LOOSENING}, True),
        (done(looser=True), {FailOn.NONE}, False),
        (done(looser=True), {FailOn.TIGHTENING}, False),
        (done(stricter=True), {FailOn.LOOSENING}, False),
        (done(stricter=True), {FailOn.TIGHTENING}, True),
        (done(lost=True), {FailOn.LOOSENING}, False),
        (done(lost=True), {FailOn.UNREPLAYABLE}, True),
    ],
)
def test_what_fails_is_chosen(replayed: Replay, reasons: set[FailOn], *, expected: bool) -> None:
    assert fails(summary_of(replayed, "a test"), reasons) == expected
    assert bool(replay_report(replayed, summary_of(replayed, "a test"), reasons).failed) == expected


def test_the_share_that_could_not_be_judged_is_said_with_its_reasons() -> None:
    replayed = done(lost=True)
    summary = summary_of(replayed, "a test")
    suites = ET.fromstring(rendered(replay_report(replayed, summary, set()), Format.JUNIT))  # noqa: S314 - our own

    assert "2 (20.0 %) cannot be judged again" in sentence(summary)
    assert summary.obstacles == {Obstacle.ERASED.value: 1, Obstacle.FACTS_LACK.value: 1}
    assert len(suites.findall(".//skipped")) == 2


def test_nothing_judged_is_no_good_news() -> None:
    assert "says nothing about the policy" in sentence(summary_of(done(seen=0), "a test"))


def test_the_comment_puts_looser_first_and_keeps_text_of_others_text() -> None:
    comment = replay_markdown(summary_of(done(looser=True, stricter=True, lost=True), "x"))

    assert comment.index("Looser") < comment.index("Stricter") < comment.index("Not judged again")
    assert "⚠️" in comment
    assert "shop/\\@all\\|x" in comment
    assert "⚠️" not in replay_markdown(summary_of(done(stricter=True), "x"))


def test_sarif_tells_each_flip() -> None:
    replayed = done(looser=True, stricter=True)
    report = replay_report(replayed, summary_of(replayed, "x"), {FailOn.LOOSENING})
    results = json.loads(rendered(report, Format.SARIF))["runs"][0]["results"]

    assert [r["level"] for r in results] == ["error", "error", "error", "note"]
    assert "it asked 1 of sre (token), now nobody" in results[2]["message"]["text"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", NOW - 90 * 60_000),
        ("24h", NOW - 86_400_000),
        ("7d", NOW - 7 * 86_400_000),
        ("2w", NOW - 14 * 86_400_000),
        ("999999w", 0),
        ("2027-01-15", 1_799_971_200_000),
        ("2027-01-15T08:00:00Z", NOW),
        ("2027-01-15T09:00:00+01:00", NOW),
    ],
)
def test_moments_are_read_as_people_write_them(text: str, expected: int) -> None:
    assert moment_ms(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-7d", "yesterday", "2027-13-01", "1969-12-31"])
def test_what_is_no_moment_is_told(text: str) -> None:
    with pytest.raises(SettingsError):
        moment_ms(text, NOW)
