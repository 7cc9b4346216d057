"""The ways people are told, as far as the settings name them."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from gateway.adapters.notify.comments import CommentNotifier
from gateway.adapters.notify.webhook import WebhookNotifier
from gateway.app.gateway import Gateway
from gateway.core.errors import SettingsError
from gateway.core.notices import Channel
from gateway.ports import Notifier
from gateway.settings import SecretSource


async def notifiers_of(
    gateway: Gateway, marker: Callable[[str], str], stack: AsyncExitStack
) -> dict[Channel, Notifier]:
    """A notifier per channel that is set up. Raises `SettingsError` for a webhook without a secret."""
    settings, found = gateway.settings.notify, dict[Channel, Notifier]()
    if settings.comments:
        found[Channel.COMMENT] = CommentNotifier(gateway.boards, marker)
    if settings.webhook == SecretSource():
        return found
    if settings.webhook_secret == SecretSource():
        raise SettingsError(
            "notify.webhook is set but notify.webhook_secret is not: a notice must be signed, so that its "
            "receiver can tell it from anybody else's. Name a file, variable or command for the secret."
        )
    http = await stack.enter_async_context(gateway.egress.async_client())
    url, secret = gateway.secrets["notify.webhook"], gateway.secrets["notify.webhook_secret"]
    call_s = gateway.settings.egress.timeout_s
    found[Channel.WEBHOOK] = WebhookNotifier(http, url, secret, gateway.clock, call_s=call_s)
    return found
