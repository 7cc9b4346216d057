"""The teller: each failure is told to the outbox, tried again later, and never anybody else's trouble."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gateway.core.errors import LedgerUnavailableError, SettingsError, TargetRefusedError
from gateway.core.notices import MAX_ATTEMPTS, Channel, Matter, Notice
from gateway.telling import LEASE_MS, Teller
from tests.gateway.core.test_notices import matter


@dataclass
class FakeOutbox:
    """Holds matters; `down` refuses everything, `deaf` refuses to record ends. `claimed` ends the run at the last."""

    matters: list[Matter] = field(default_factory=list)
    down: bool = False
    deaf: bool = False
    broken: bool = False
    last: int = 1
    claimed: int = 0
    story: list[str] = field(default_factory=list)
    stop: Callable[[], None] = lambda: None
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def claim(self, *, lease_ms: int, limit: int) -> tuple[Matter, ...]:
        assert (lease_ms, limit > 0) == (LEASE_MS, True)
        self.claimed += 1
        self.asked.set()
        if self.claimed >= self.last:
            self.stop()
        if self.down:
            raise LedgerUnavailableError("The log is down.")
        if self.broken:
            raise RuntimeError("a defect")
        found, self.matters = tuple(self.matters), []
        return found

    async def sent(self, matter: Matter) -> None:
        if self.deaf:
            raise LedgerUnavailableError("The log is down.")
        self.story.append(f"sent {matter.subject}")

    async def failed(self, matter: Matter, reason: str, *, pause_ms: int | None) -> None:
        self.story.append(f"failed {matter.subject} {pause_ms} {reason}")


@dataclass
class FakeNotifier:
    """Tells into `told`, or raises what it was given for a subject."""

    fails: dict[str, Exception] = field(default_factory=dict)
    told: list[tuple[str, Notice]] = field(default_factory=list)
    hangs: bool = False

    async def tell(self, matter: Matter, notice: Notice) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if matter.subject in self.fails:
            raise self.fails[matter.subject]
        self.told.append((matter.subject, notice))


def teller_of(outbox: FakeOutbox, notifier: FakeNotifier | None = None) -> Teller:
    notifiers = {Channel.COMMENT: notifier or FakeNotifier()}
    teller = Teller(outbox, notifiers, base_url="https://gate.example", every_s=0)
    outbox.stop = teller.stop
    return teller


async def test_what_is_due_is_told_with_a_link_and_recorded() -> None:
    outbox, notifier = FakeOutbox([matter()]), FakeNotifier()
    tried = await teller_of(outbox, notifier).look()

    assert (tried, outbox.story) == (1, ["sent tkt_1"])
    ((subject, notice),) = notifier.told
    assert (subject, notice.link) == ("tkt_1", "https://gate.example/v1/tickets/tkt_1")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TargetRefusedError("The webhook answered 500."), "The webhook answered 500."),
        (SettingsError("notify.webhook: not set."), "notify.webhook: not set."),
        (RuntimeError("a defect"), "The gateway failed while telling"),
    ],
)
async def test_a_failure_is_recorded_and_stops_nobody_else(error: Exception, said: str) -> None:
    outbox = FakeOutbox([matter(), matter(subject="tkt_2")])
    await teller_of(outbox, FakeNotifier({"tkt_1": error})).look()

    assert max(outbox.story) == "sent tkt_2"
    assert min(outbox.story).startswith(f"failed tkt_1 60000 {said}")


async def test_an_attempt_that_does_not_end_is_ended() -> None:
    outbox = FakeOutbox([matter()])
    hanging = {Channel.COMMENT: FakeNotifier(hangs=True)}
    await Teller(outbox, hanging, base_url="", every_s=0, attempt_s=0.01).look()

    assert outbox.story == ["failed tkt_1 60000 It took too long."]


async def test_after_the_last_attempt_it_is_given_up() -> None:
    outbox = FakeOutbox([matter(attempts=MAX_ATTEMPTS)])
    await teller_of(outbox, FakeNotifier({"tkt_1": TargetRefusedError("no")})).look()

    assert outbox.story == ["failed tkt_1 None no"]


async def test_a_channel_that_is_no_longer_set_up_is_a_failure() -> None:
    outbox = FakeOutbox([matter(channel=Channel.WEBHOOK)])
    await teller_of(outbox).look()

    assert outbox.story == ["failed tkt_1 60000 This gateway's settings name no such channel any more."]


async def test_with_no_channel_at_all_nothing_is_asked() -> None:
    outbox = FakeOutbox([matter()])

    assert await Teller(outbox, {}, base_url="", every_s=0).look() == 0
    assert outbox.claimed == 0


@pytest.mark.parametrize("outbox", [FakeOutbox(last=3, down=True), FakeOutbox(last=3, broken=True)])
async def test_no_failure_ends_the_teller(outbox: FakeOutbox, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await asyncio.wait_for(teller_of(outbox).run(), 5)

    assert outbox.claimed == 3
    assert len(caplog.records) == 3


async def test_an_end_that_cannot_be_recorded_is_told_in_the_gateways_own_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outbox = FakeOutbox([matter()], deaf=True)
    with caplog.at_level(logging.WARNING):
        await teller_of(outbox).look()

    assert "could not be recorded" in caplog.text


async def test_stopping_ends_the_rest_at_once() -> None:
    outbox = FakeOutbox(last=10)
    teller = Teller(outbox, {Channel.COMMENT: FakeNotifier()}, base_url="", every_s=60)
    running = asyncio.create_task(teller.run())
    await outbox.asked.wait()
    teller.stop()
    await asyncio.wait_for(running, 5)

    assert outbox.claimed == 1
