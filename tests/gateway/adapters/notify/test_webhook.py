"""The signed webhook: what is sent, and what each failure becomes."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.adapters.egress import Egress
from gateway.adapters.notify.webhook import WebhookNotifier, sign
from gateway.core.errors import SettingsError, TargetError, TargetRefusedError, TargetUnclearError
from gateway.core.notices import Channel, Matter, Occasion, as_slack, compose
from tests.gateway.adapters.notify.receiver import Receiver, receiving
from tests.gateway.core.test_notices import matter

NOW_MS = 1_800_000_000_000
SECRET = "a-shared-secret"


class Clock:
    def now_ms(self) -> int:
        return NOW_MS


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture
async def notifier(receiver: Receiver) -> AsyncIterator[WebhookNotifier]:
    egress = Egress(loopback=(f"127.0.0.1:{receiver.port}",))
    async with egress.async_client() as http:
        yield WebhookNotifier(http, lambda: receiver.url, lambda: SECRET, Clock(), call_s=0.5)


def told() -> Matter:
    return matter(channel=Channel.WEBHOOK)


async def test_a_notice_arrives_as_slack_json_signed_with_its_time(
    receiver: Receiver, notifier: WebhookNotifier
) -> None:
    notice = compose(told(), "https://gate.example")
    await notifier.tell(told(), notice)
    ((headers, body),) = receiver.came
    moment = headers["loopgate-timestamp"]
    expected = hmac.new(SECRET.encode(), f"v1:{moment}:".encode() + body, hashlib.sha256).hexdigest()

    assert json.loads(body) == as_slack(notice)
    assert headers["loopgate-signature"] == f"v1={expected}"
    assert (moment, headers["loopgate-event"]) == (str(NOW_MS // 1000), "approval.opened")
    assert headers["content-type"] == "application/json"


def test_the_signature_of_a_known_body_never_changes() -> None:
    assert sign("secret", "1800000000", b"{}") == (
        "v1=" + hmac.new(b"secret", b"v1:1800000000:{}", hashlib.sha256).hexdigest()
    )
    assert sign("secret", "1800000001", b"{}") != sign("secret", "1800000000", b"{}")
    assert sign("other", "1800000000", b"{}") != sign("secret", "1800000000", b"{}")


async def test_every_attempt_of_a_notice_has_the_same_delivery(
    receiver: Receiver, notifier: WebhookNotifier
) -> None:
    for attempt in (1, 2):
        again = told().model_copy(update={"attempts": attempt})
        await notifier.tell(again, compose(again))
    other = matter(Occasion.APPROVED, channel=Channel.WEBHOOK)
    await notifier.tell(other, compose(other))
    ids = [headers["loopgate-delivery"] for headers, _ in receiver.came]

    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
async def test_anything_but_success_is_a_failure(
    receiver: Receiver, notifier: WebhookNotifier, status: int
) -> None:
    receiver.status = status
    with pytest.raises(TargetRefusedError, match=str(status)):
        await notifier.tell(told(), compose(told()))

    assert len(receiver.came) == 1


async def test_a_receiver_that_does_not_answer_is_given_up(
    receiver: Receiver, notifier: WebhookNotifier
) -> None:
    receiver.slow = True
    with pytest.raises(TargetUnclearError, match="did not answer") as failed:
        await notifier.tell(told(), compose(told()))

    assert "T0K3N" not in failed.value.detail


async def test_a_receiver_that_is_not_there_is_a_failure() -> None:
    with receiving() as gone:
        port = gone.port
    async with Egress(loopback=(f"127.0.0.1:{port}",)).async_client() as http:
        lost = WebhookNotifier(http, lambda: f"http://127.0.0.1:{port}/", lambda: SECRET, Clock())
        with pytest.raises(TargetUnclearError, match="did not answer"):
            await lost.tell(told(), compose(told()))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/T0K3N", "http://10.0.0.1/T0K3N", "nonsense", "http://[/"]
)
async def test_an_address_that_egress_refuses_is_not_called_and_not_shown(url: str) -> None:
    async with Egress().async_client() as http:
        closed = WebhookNotifier(http, lambda: url, lambda: SECRET, Clock())
        with pytest.raises(TargetError) as failed:
            await closed.tell(told(), compose(told()))

    assert "T0K3N" not in failed.value.detail


async def test_a_secret_that_is_gone_is_told_with_the_remedy(
    receiver: Receiver, notifier: WebhookNotifier
) -> None:
    def gone() -> str:
        raise SettingsError("notify.webhook_secret: the environment variable S is not set.")

    unsigned = WebhookNotifier(notifier._http, lambda: receiver.url, gone, Clock())
    with pytest.raises(SettingsError, match="variable S"):
        await unsigned.tell(told(), compose(told()))

    assert receiver.came == []
