"""Reports in, work items out, over the road like anybody else."""

import json
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gateway.core.actions import ActionState, Request
from gateway.core.errors import MalformedError
from gateway.core.listings import WorkItem
from gateway.core.normalise import normalise
from gateway.core.outcomes import AnyOutcome, Held, Performed
from gateway.loop.intake import Intake
from tests.gateway.core.making import principal

REPORT = (Path(__file__).parents[2] / "data" / "trivy" / "npm.json").read_bytes()


@dataclass
class Road:
    """A road that normalises what it is given and holds it while `holds` is true."""

    holds: bool = False
    proposed: list[Request] = field(default_factory=list)

    async def propose(self, request: Request) -> AnyOutcome:
        normalise(request, principal(), action_id="act_1", trace=request.trace or "", now_ms=1)
        self.proposed.append(request)
        if self.holds:
            return Held(action_id="act_1", state=ActionState.HELD)
        return Performed(
            action_id="act_1", state=ActionState.PERFORMED, result={"issue": f"SHOP-{len(self.proposed)}"}
        )


@dataclass
class Memory:
    """The loop's memory, in memory."""

    items: dict[str, WorkItem] = field(default_factory=dict)
    reports: list[tuple[str, str, int]] = field(default_factory=list)
    seen: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    async def received(self, source: str, *, digest: str, project: str, findings: int, by: str) -> str:
        assert len(digest) == 64
        self.reports.append((source, f"{project} by {by}", findings))
        return "sig_1"

    async def find(self, key: str) -> WorkItem | None:
        return self.items.get(key)

    async def open(
        self,
        key: str,
        *,
        project: str,
        tracker: str,
        title: str,
        severity: str,
        trace: str,
        findings: dict[str, Any],
    ) -> WorkItem:
        assert tracker == "SHOP"
        self.items[key] = WorkItem(
            id=f"wrk_{len(self.items)}",
            key=key,
            project=project,
            issue=None,
            title=title,
            severity=severity,
            state="open",
            trace=trace,
            findings=len(findings),
            opened_ms=1,
        )
        return self.items[key]

    async def link(self, key: str, issue: str) -> WorkItem:
        self.items[key] = self.items[key].model_copy(update={"issue": issue})
        return self.items[key]

    async def saw(self, key: str, findings: tuple[str, ...]) -> None:
        self.seen.append((key, findings))


def intake(road: Road, memory: Memory) -> Intake:
    """An intake with numbered traces."""
    traces = count(1)
    return Intake(proposals=road, items=memory, new_trace=lambda: f"trc_{next(traces)}")


async def take(taken: Intake, body: bytes = REPORT) -> tuple[WorkItem, ...]:
    """Import a report."""
    return await taken.trivy(body, project="shop/checkout", tracker="SHOP", by="prn_ci")


async def test_a_report_opens_one_item_through_the_road() -> None:
    road, memory = Road(), Memory()

    (item,) = await take(intake(road, memory))

    assert (item.issue, item.title, item.trace) == (
        "SHOP-1",
        "Upgrade jquery 3.3.9 (1 finding, medium)",
        "trc_1",
    )
    assert [(r.type, r.target, r.trace) for r in road.proposed] == [
        ("issue.create", {"system": "jira", "project": "SHOP"}, "trc_1")
    ]
    assert memory.reports == [("trivy", "shop/checkout by prn_ci", 1)]
    assert [len(findings) for _, findings in memory.seen] == [1]


async def test_the_same_report_again_opens_nothing_twice() -> None:
    road, memory = Road(), Memory()
    taken = intake(road, memory)

    first, second = await take(taken), await take(taken)

    assert first == second
    assert len(road.proposed) == 1
    assert len(memory.seen) == 2


async def test_a_held_item_is_proposed_again_under_the_same_key() -> None:
    road, memory = Road(holds=True), Memory()
    taken = intake(road, memory)

    (held,) = await take(taken)
    road.holds = False
    (opened,) = await take(taken)

    assert (held.issue, opened.issue) == (None, "SHOP-2")
    assert len({r.idempotency_key for r in road.proposed}) == 1
    assert held.trace == opened.trace


async def test_a_package_with_a_hostile_name_is_still_proposed_in_good_form() -> None:
    document = json.loads(REPORT)
    document["Results"][0]["Vulnerabilities"][0]["PkgName"] = "a\x1b[31m\n/close @all" + "x" * 400
    road = Road()

    await take(intake(road, Memory()), json.dumps(document).encode())

    assert "\x1b" not in road.proposed[0].model_dump_json()


async def test_a_report_that_is_none_leaves_nothing_behind() -> None:
    road, memory = Road(), Memory()

    with pytest.raises(MalformedError):
        await take(intake(road, memory), b"{}")

    assert (road.proposed, memory.items, memory.reports) == ([], {}, [])
