"""People are told what waits for them, once, and no failure to tell them reaches the road."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from gateway.core.notices import MAX_ATTEMPTS
from gateway.sandbox.switches import Fault
from tests.gateway.adapters.notify.receiver import Receiver, receiving
from tests.town import OPERATOR, OWNER, RELEASE, Town, built_town, held_merge, open_merge_request

pytestmark = pytest.mark.slow
NOTES = "/api/v4/projects/shop/checkout/merge_requests/1/notes"


@contextmanager
def talkative(template: Path, folder: Path) -> Iterator[tuple[Town, Receiver]]:
    """A town that tells people by comments and by a webhook."""
    with receiving() as receiver, built_town(template, folder) as town:
        for name, text in (("hook", receiver.url), ("hook-secret", "s3cret")):
            path = folder / name
            path.touch(mode=0o600)
            path.write_text(text)
        config = town.home / "loopgate.toml"
        opened = f'loopback = ["127.0.0.1:{receiver.port}", '
        text = config.read_text().replace("loopback = [", opened)
        config.write_text(
            f'{text}\n[notify]\nbase_url = "https://gate.example"\ncomments = true\n'
            f'webhook = {{ file = "{folder}/hook" }}\nwebhook_secret = {{ file = "{folder}/hook-secret" }}\n'
        )
        yield town, receiver


@asynccontextmanager
async def held(template: Path, folder: Path) -> AsyncIterator[tuple[Town, Receiver, str]]:
    """Such a town, and a ticket in it that nobody was told of yet."""
    with talkative(template, folder) as (town, receiver):
        async with town.open():
            async with await town.agent() as agent:
                document = await held_merge(agent, await open_merge_request(agent))
            yield town, receiver, document["ticket"]["id"]


def notes(town: Town) -> list[str]:
    project = next(p for p in town.sandbox.forge.projects.values() if p.path == "checkout")
    return [n.body for n in project.merge_requests[1].notes if "Loopgate" in n.body or "approval" in n.body]


async def events(town: Town, kind: str) -> list[dict[str, object]]:
    rows = await town.gateway.store.archive.events(subject=None, event_type=kind, after=None, limit=100)
    return [r.leaf["data"] for r in rows]


async def tell(town: Town, seconds: float = 130) -> int:
    town.clock.advance(seconds)
    return await town.gateway.teller.look()


async def test_a_ticket_is_told_on_the_merge_request_and_by_webhook_and_so_is_its_end(
    home_template: Path, tmp_path: Path
) -> None:
    async with held(home_template, tmp_path) as (town, receiver, ticket):
        await tell(town)
        await town.vote(OWNER, ticket)
        await town.vote(RELEASE, ticket)
        await tell(town)
        sent, failed = await events(town, "notification.sent"), await events(town, "notification.failed")
        asked, approved = notes(town)
        checks = await town.gateway.examine()
        again = await tell(town)

    assert f"https://gate.example/v1/tickets/{ticket}" in asked
    assert "The approval was given." in approved
    assert [h["loopgate-event"] for h, _ in receiver.came] == ["approval.opened", "approval.approved"]
    assert ticket in json.loads(receiver.came[0][1])["blocks"][1]["text"]["text"]
    assert (len(sent), failed, again) == (4, [], 0)
    assert checks["notices"].detail == "People are told by comment and webhook."


@pytest.mark.parametrize("status", [500, 404])
async def test_a_webhook_that_fails_is_tried_again_and_the_road_does_not_care(
    home_template: Path, tmp_path: Path, status: int
) -> None:
    async with held(home_template, tmp_path) as (town, receiver, ticket):
        receiver.status = status
        await tell(town)
        await town.vote(OWNER, ticket)
        failed = await events(town, "notification.failed")
        receiver.status = 200
        await tell(town)
        deliveries = [h["loopgate-delivery"] for h, _ in receiver.came]

    assert [(f["channel"], f["given_up"]) for f in failed] == [("webhook", False)]
    assert (len(deliveries), len(set(deliveries))) == (2, 1)


async def test_a_target_that_is_down_is_told_of_when_it_is_back_and_once(
    home_template: Path, tmp_path: Path
) -> None:
    async with held(home_template, tmp_path) as (town, _, _ticket):
        town.sandbox.switches.add(Fault("status", system="gitlab", method="GET", path=NOTES, status=503))
        await tell(town)
        down = notes(town)
        town.sandbox.switches.add(Fault("lose_reply", system="gitlab", method="POST", path=NOTES))
        await tell(town)
        await tell(town, 300)
        failed = await events(town, "notification.failed")
        told = notes(town)

    assert down == []
    assert len(told) == 1
    assert [f["attempts"] for f in failed] == [1, 2]


async def test_a_crash_between_sending_and_recording_sends_no_second_comment(
    home_template: Path, tmp_path: Path
) -> None:
    with talkative(home_template, tmp_path) as (town, receiver):
        async with town.open():
            async with await town.agent() as agent:
                await held_merge(agent, await open_merge_request(agent))
            teller, store = town.gateway.teller, town.gateway.store
            matters = await store.outbox.claim(lease_ms=1000, limit=20)
            for matter in matters:
                assert await teller._try(matter) is None  # sent, and then the process ends
        async with town.open():
            await tell(town)
            sent = await events(town, "notification.sent")

    assert len(notes(town)) == 1
    assert len({h["loopgate-delivery"] for h, _ in receiver.came}) == 1
    assert {(s["channel"], s["attempts"]) for s in sent} == {("comment", 2), ("webhook", 2)}


async def test_what_cannot_be_delivered_is_given_up_in_the_end_and_doctor_says_so(
    home_template: Path, tmp_path: Path
) -> None:
    async with held(home_template, tmp_path) as (town, receiver, _ticket):
        receiver.status = 500
        for _ in range(MAX_ATTEMPTS + 2):
            await tell(town, 3601)
        failed = await events(town, "notification.failed")
        checks = await town.gateway.examine()

    assert [f["given_up"] for f in failed] == [False] * (MAX_ATTEMPTS - 1) + [True]
    assert len(receiver.came) == MAX_ATTEMPTS
    assert not checks["notices"].ok
    assert "could not be delivered" in checks["notices"].detail


async def test_a_stop_is_told_and_the_secret_is_in_no_event(home_template: Path, tmp_path: Path) -> None:
    with talkative(home_template, tmp_path) as (town, receiver):
        async with town.open():
            async with await town.sign_in(OPERATOR) as operator:
                await operator.stop("everything", "", "<!channel> @all burns")
            await tell(town)
            leaves = str(await events(town, "notification.sent"))
    ((headers, body),) = receiver.came

    assert headers["loopgate-event"] == "stop.engaged"
    assert "<!channel>" not in body.decode()
    assert "@" not in json.loads(body)["blocks"][1]["text"]["text"]
    assert "s3cret" not in leaves
