"""A replay for people and for CI: what would go otherwise, by which rules, for whom, and what could not be judged."""

from collections import Counter
from collections.abc import Collection, Iterable

from gateway.core.model import Model
from gateway.core.rulings import Clause
from gateway.workbench.formats import Outcome, Report, escaped, markdown_table
from gateway.workbench.replay import Replay, Unreplayable
from gateway.workbench.replay_changes import FailOn, Flip, Turn

TOOL = "loopgate policy replay"
_SHOWN = 20
_NAMED = 5
_DIGEST = 12


class FlipGroup(Model):
    """Flips of one kind: the same turn, change and causes; whom they touch, and one action as an example."""

    turn: Turn
    what: str
    causes: tuple[str, ...]
    count: int
    agents: tuple[str, ...]
    places: tuple[str, ...]
    example: str


class Summary(Model):
    """A replay in numbers. Shares are permille of all decisions seen."""

    source: str
    policy_digest: str
    revision: str
    seen: int
    same: int
    reworded: int
    looser: int
    stricter: int
    unreplayable: int
    unreplayable_permille: int
    groups: tuple[FlipGroup, ...]
    obstacles: dict[str, int]
    agents: tuple[str, ...]
    places: tuple[str, ...]


def summary_of(replay: Replay, source: str) -> Summary:
    """The numbers of a replay; `source` says where the decisions came from."""
    turns = Counter(flip.turn for flip in replay.flips)
    lost = len(replay.unreplayable)
    return Summary(
        source=source,
        policy_digest=replay.policy_digest,
        revision=replay.revision,
        seen=replay.seen,
        same=replay.same,
        reworded=replay.reworded,
        looser=turns[Turn.LOOSER],
        stricter=turns[Turn.STRICTER],
        unreplayable=lost,
        unreplayable_permille=lost * 1000 // replay.seen if replay.seen else 0,
        groups=_groups(replay.flips),
        obstacles=dict(Counter(one.obstacle.value for one in replay.unreplayable).most_common()),
        agents=_sorted(flip.agent for flip in replay.flips),
        places=_sorted(flip.place or "loopgate" for flip in replay.flips),
    )


def fails(summary: Summary, reasons: Collection[FailOn]) -> bool:
    """Whether a replay is to end with an error."""
    counts = {
        FailOn.LOOSENING: summary.looser,
        FailOn.TIGHTENING: summary.stricter,
        FailOn.UNREPLAYABLE: summary.unreplayable,
        FailOn.NONE: 0,
    }
    return any(counts[reason] for reason in reasons)


def sentence(summary: Summary) -> str:
    """The result in a sentence or two."""
    if not summary.seen:
        return f"There are no recorded decisions in {summary.source}: this says nothing about the policy."
    lost = ""
    if summary.unreplayable:
        share = f"{summary.unreplayable_permille / 10:.1f} %"
        lost = f" {summary.unreplayable} ({share}) cannot be judged again."
    return (
        f"{summary.seen} recorded decisions: {summary.same} stay as they are, {summary.looser} would be looser, "
        f"{summary.stricter} stricter.{lost}"
    )


def replay_report(replay: Replay, summary: Summary, reasons: Collection[FailOn]) -> Report:
    """The replay as outcomes, for JUnit and SARIF: each flip by itself, what is alike as one."""
    levels = {
        Turn.LOOSER: "error" if FailOn.LOOSENING in reasons else "warning",
        Turn.STRICTER: "error" if FailOn.TIGHTENING in reasons else "note",
    }
    alike = Outcome(name=f"{summary.same} decisions stay as they are", group="replay")
    flips = (_flip_outcome(flip, levels[flip.turn]) for flip in replay.flips)
    strict = FailOn.UNREPLAYABLE in reasons
    lost = (_lost_outcome(one, "error" if strict else "skipped") for one in replay.unreplayable)
    return Report(tool=TOOL, summary=sentence(summary), outcomes=(alike, *flips, *lost))


def replay_markdown(summary: Summary) -> str:
    """A comment for a merge request: the result first, then by which rules, then what could not be judged."""
    mark = "⚠️ " if summary.looser else ""
    parts = [
        f"### {mark}Replay of recorded decisions\n",
        f"{escaped(sentence(summary))}\n",
        *_section("Looser: would let through what was stopped, or ask less", summary, Turn.LOOSER),
        *_section("Stricter: would stop or ask where it did not", summary, Turn.STRICTER),
    ]
    if summary.obstacles:
        rows = [(why, str(count)) for why, count in summary.obstacles.items()]
        parts.append(f"**Not judged again**\n\n{markdown_table(('why', 'decisions'), rows)}")
    parts.append(
        f"Policy `{summary.policy_digest[:_DIGEST]}`, decisions from {escaped(summary.source)}. Each was judged on the "
        "input it was made on then.\n"
    )
    return "\n".join(parts)


def group_row(group: FlipGroup) -> tuple[str, str, str, str, str, str]:
    """A group as a row: what, how many, by which rules, which agents, which projects, an example."""
    return (
        group.what,
        str(group.count),
        "; ".join(group.causes) or "-",
        _some(group.agents),
        _some(group.places),
        group.example,
    )


COLUMNS = ("change", "decisions", "by", "agents", "projects", "for example")


def asked_of(clauses: Iterable[Clause]) -> str:
    """Whom an approval asks, in words."""
    return "; ".join(
        f"{c.count} of {' or '.join(c.any_of_roles)}"
        + (f" for {c.for_service}" if c.for_service else "")
        + f" ({c.assurance.value})"
        for c in clauses
    )


def _section(title: str, summary: Summary, turn: Turn) -> Iterable[str]:
    rows = [group_row(group) for group in summary.groups if group.turn is turn]
    if rows:
        more = f"\n…and {len(rows) - _SHOWN} kinds more.\n" if len(rows) > _SHOWN else ""
        yield f"**{title}**\n\n{markdown_table(COLUMNS, rows[:_SHOWN])}{more}"


def _groups(flips: Iterable[Flip]) -> tuple[FlipGroup, ...]:
    kinds: dict[tuple[Turn, str, tuple[str, ...]], list[Flip]] = {}
    for flip in flips:
        causes = tuple(f"{c.code} {c.how}" for c in flip.causes)
        kinds.setdefault((flip.turn, flip.what, causes), []).append(flip)
    groups = (_group(*kind, members) for kind, members in kinds.items())
    return tuple(sorted(groups, key=lambda g: (g.turn, -g.count, g.what, g.causes)))


def _group(turn: Turn, what: str, causes: tuple[str, ...], members: list[Flip]) -> FlipGroup:
    return FlipGroup(
        turn=turn,
        what=what,
        causes=causes,
        count=len(members),
        agents=_sorted(flip.agent for flip in members),
        places=_sorted(flip.place or "loopgate" for flip in members),
        example=members[0].action_id,
    )


def _flip_outcome(flip: Flip, level: str) -> Outcome:
    causes = "; ".join(f"{c.code} {c.how}" for c in flip.causes)
    asks = f"; it asked {asked_of(flip.asked) or 'nobody'}, now {asked_of(flip.asks) or 'nobody'}"
    told = f"{flip.what} for {flip.agent}: {flip.action_type} in {flip.place or 'loopgate'} ({causes})"
    return Outcome.model_validate(
        {
            "name": f"{flip.action_id} {flip.ruling_id}",
            "group": f"replay.{flip.turn.value}",
            "level": level,
            "code": f"replay-{flip.turn.value}",
            "message": told + (asks if flip.asked != flip.asks else ""),
        }
    )


def _lost_outcome(one: Unreplayable, level: str) -> Outcome:
    told = f"{one.obstacle.value}: {one.detail}" if one.detail else one.obstacle.value
    return Outcome.model_validate(
        {
            "name": f"{one.action_id} {one.ruling_id}",
            "group": "replay.unreplayable",
            "level": level,
            "code": "replay-unreplayable",
            "message": told,
        }
    )


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
