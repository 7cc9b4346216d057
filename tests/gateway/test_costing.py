"""What actions cost, what pipelines give back, and how often an agent may ask."""

from dataclasses import dataclass, field

import pytest

from gateway.core.budgets import DAY_MS, HOUR_MS, OpenPipeline, PipelineUse, settled_minutes
from gateway.core.changes import Change, CiFacts
from gateway.core.errors import FactsMissingError
from gateway.core.vocabulary import ActionType as T
from gateway.costing import costs_of
from gateway.settling import Settling
from tests.gateway.core.making import action, change
from tests.world import WorldClock

COMMIT = "c" * 40
CONTENT = {"message": "x", "changes": [{"op": "create", "path": "a", "content": "äb"}]}


def with_jobs(jobs: int | None) -> Change:
    return change(ci=CiFacts(jobs=jobs))


def test_what_starts_a_pipeline_costs_its_jobs() -> None:
    opening = action(T.MERGE_REQUEST_OPEN, params={"source": "a", "target": "b", "title": "t"}, aims={})
    costs = costs_of(opening, with_jobs(3), 90)

    assert costs is not None
    assert (costs.pipelines, costs.ci_jobs, costs.job_seconds, costs.bytes) == (1, 3, 90, 0)


@pytest.mark.parametrize(("jobs", "pipelines"), [(0, 0), (None, 1), (2, 1)])
def test_no_job_is_no_pipeline_and_unknown_jobs_may_be_one(jobs: int | None, pipelines: int) -> None:
    costs = costs_of(action(), with_jobs(jobs), None)

    assert costs is not None
    assert (costs.pipelines, costs.ci_jobs) == (pipelines, jobs)


def test_without_a_measured_change_the_jobs_are_unknown() -> None:
    costs = costs_of(action(), None, 60)

    assert costs is not None
    assert (costs.pipelines, costs.ci_jobs) == (1, None)


def test_a_retried_job_is_one_job() -> None:
    costs = costs_of(action(T.JOB_RETRY, params={}, aims={"project": "shop/checkout", "job": 1}), None, 60)

    assert costs is not None
    assert costs.ci_jobs == 1


def test_a_commit_costs_its_bytes() -> None:
    params = {
        **CONTENT,
        "changes": [*CONTENT["changes"], {"op": "create", "path": "b", "content_base64": "AAAA"}],
    }
    costs = costs_of(action(T.COMMIT_CREATE, params=params, aims={"branch": "agent/x"}), with_jobs(0), 60)

    assert costs is not None
    assert costs.bytes == 6


def test_a_comment_costs_nothing() -> None:
    assert costs_of(action(T.MERGE_REQUEST_COMMENT, params={"body": "b"}), None, None) is None


@dataclass
class FakeAccounts:
    """One place that is held until it is settled; `settled` says with how many minutes."""

    opened: tuple[OpenPipeline, ...]
    settled: dict[str, int] = field(default_factory=dict)

    async def open_pipelines(self, *, limit: int) -> tuple[OpenPipeline, ...]:
        return tuple(o for o in self.opened if o.action_id not in self.settled)[:limit]

    async def settle(self, action_id: str, minutes: int) -> bool:
        self.settled[action_id] = minutes
        return True


@dataclass
class FakeForge:
    """Answers with what it was told, or not at all."""

    use: PipelineUse | None = None
    asked: list[str] = field(default_factory=list)

    async def __call__(self, one: OpenPipeline) -> PipelineUse:
        assert one.project == "shop/checkout"
        self.asked.append(one.action_id)
        if self.use is None:
            raise FactsMissingError("GitLab does not answer.")
        return self.use


def held(clock: WorldClock, commit: str | None = COMMIT) -> FakeAccounts:
    one = OpenPipeline(
        action_id="act_1", project="shop/checkout", commit=commit, estimate=7, started_ms=clock.ms
    )
    return FakeAccounts((one,))


async def test_a_pipeline_that_ended_gives_back_what_it_did_not_use() -> None:
    clock, forge = WorldClock(), FakeForge(PipelineUse(found=1, under_way=True))
    accounts = held(clock)
    settling = Settling(accounts, forge, clock)

    assert await settling.look() == 0
    forge.use = PipelineUse(found=1, seconds=61)
    assert await settling.look() == 0, "it looks every fifteen seconds only"
    clock.advance(15)
    assert await settling.look() == 1
    assert accounts.settled == {"act_1": 2}


@pytest.mark.parametrize("commit", [COMMIT, None])
async def test_what_nobody_can_ask_is_given_back_after_a_day_at_its_estimate(commit: str | None) -> None:
    clock, forge = WorldClock(), FakeForge()
    accounts = held(clock, commit)
    settling = Settling(accounts, forge, clock)

    assert await settling.look() == 0
    clock.advance(DAY_MS // 1000)
    assert await settling.look() == 1
    assert accounts.settled == {"act_1": 7}
    assert bool(forge.asked) is (commit is not None)


def test_a_pipeline_that_never_appeared_is_given_back_after_a_while() -> None:
    none = PipelineUse(found=0)

    assert settled_minutes(none, 0, 9) is None
    assert settled_minutes(none, HOUR_MS, 9) == 0
    assert settled_minutes(PipelineUse(found=1, under_way=True), HOUR_MS, 9) is None


@pytest.mark.parametrize("noted", [{"pipeline": 3}, {"merge_request": 7}])
async def test_a_run_without_a_commit_is_asked_for_by_what_the_action_noted(noted: dict[str, int]) -> None:
    clock, forge = WorldClock(), FakeForge(PipelineUse(found=1, seconds=60))
    one = OpenPipeline(action_id="act_1", project="shop/checkout", started_ms=clock.ms, **noted)
    accounts = FakeAccounts((one,))

    assert await Settling(accounts, forge, clock).look() == 1
    assert accounts.settled == {"act_1": 1}


async def test_those_that_nobody_can_ask_about_do_not_keep_the_others_waiting() -> None:
    clock, forge = WorldClock(), FakeForge()
    one = held(clock).opened[0]
    accounts = FakeAccounts(tuple(one.model_copy(update={"action_id": f"act_{n}"}) for n in range(45)))
    settling = Settling(accounts, forge, clock)
    for _ in range(4):
        assert await settling.look() == 0
        clock.advance(15)

    assert [forge.asked.count(f"act_{n}") for n in (0, 19, 20, 44)] == [2, 2, 1, 1]
