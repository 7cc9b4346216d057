"""`loopgate serve`: the gateway process."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.terminal import console, plain
from gateway.core.errors import SettingsError

if TYPE_CHECKING:
    from gateway.app import Gateway
    from gateway.serving import Listener
    from gateway.settings import ServeSettings


def serve(
    home: Annotated[
        Path, typer.Option("--home", envvar="LOOPGATE_HOME", help="Keys, database, mirrors.")
    ] = Path(".loopgate"),
    as_json: Annotated[bool, typer.Option("--json", help="Say the address as one JSON line.")] = False,
    activate: Annotated[
        bool,
        typer.Option(
            "--activate-policy", help="Put this home's policy in force for every gateway on PostgreSQL."
        ),
    ] = False,
) -> None:
    """Serve until interrupted; what has started is finished first."""
    asyncio.run(_serve(home, as_json=as_json, activate=activate))


async def _serve(home: Path, *, as_json: bool, activate: bool) -> None:
    from gateway.adapters.logs import set_up_logging
    from gateway.app import open_gateway
    from gateway.settings import load_settings

    settings = load_settings(home)
    set_up_logging(form=settings.observability.log_form, level=settings.observability.log_level)
    async with (
        open_gateway(settings, activate=activate) as gateway,
        _listener(gateway, settings.serve) as listener,
    ):
        _say(listener.url, as_json=as_json)
        if listener.metrics_url and not as_json:
            console.print(plain(f"metrics on {listener.metrics_url}"))
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, stopping.set)
        loop.add_signal_handler(signal.SIGHUP, gateway.reload_secrets)
        await stopping.wait()


def _listener(gateway: "Gateway", wanted: "ServeSettings") -> "Listener":
    from gateway.serving import Listener

    try:
        return Listener(gateway, wanted)
    except OSError as error:
        detail = f"Nothing can listen on {wanted.host}:{wanted.port}: {error.strerror}. Change serve.host or serve.port."
        raise SettingsError(detail) from error


def _say(url: str, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"url": url}) + "\n")
        sys.stdout.flush()
    else:
        console.print(plain(f"Loopgate serves on {url}; Ctrl-C stops it."))
