"""Where the workbench's commands take recorded decisions from: a bundle, a home folder, or a gateway over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.adapters.clock import SystemClock
from gateway.cli.session import run_as_caller

if TYPE_CHECKING:
    from gateway.client.api import Client
    from gateway.core.recorded import RecordedRuling, RulingFilter

_PAGE = 200

BundleFile = Annotated[
    Path | None, typer.Option("--bundle", help="Take the decisions from an evidence bundle.")
]
BundleKey = Annotated[
    list[str] | None, typer.Option("--key", help="The log's verifier key: the bundle is verified first.")
]
HomeFolder = Annotated[
    Path | None, typer.Option("--home", help="Take the decisions from the home folder of a gateway.")
]
Since = Annotated[
    str, typer.Option("--since", help="From when on: 7d, 24h, 2026-11-01, 2026-11-01T09:00:00Z.")
]
Until = Annotated[str | None, typer.Option("--until", help="Up to when; now by default.")]


@dataclass(frozen=True, slots=True)
class Source:
    """Where decisions come from; without bundle and home, from the gateway at `url` as the caller."""

    bundle: Path | None
    keys: list[str] | None
    home: Path | None
    url: str
    config: Path

    @property
    def name(self) -> str:
        """What reports call it."""
        if self.bundle:
            return f"{self.bundle.name} ({'verified' if self.keys else 'not verified'})"
        return self.home.name if self.home else self.url

    def rulings(self, wanted: "RulingFilter") -> "Iterator[RecordedRuling]":
        """The recorded rulings that match, oldest first. Raises `SettingsError` and what the client raises."""
        from gateway.app.history import rulings_in_home
        from gateway.core.errors import SettingsError
        from gateway.workbench.replay_evidence import rulings_in_bundle, vkeys

        if self.bundle and self.home:
            raise SettingsError("Name a bundle or a home, not both.")
        if self.keys and not self.bundle:
            raise SettingsError("--key verifies a bundle; name it with --bundle.")
        if self.bundle:
            return rulings_in_bundle(self.bundle, wanted, vkeys(self.keys or ()))
        if self.home:
            return rulings_in_home(self.home, wanted)
        return iter(run_as_caller(self.url, self.config, lambda client: _fetched(client, wanted)))


def period(since: str, until: str | None) -> "RulingFilter":
    """What lies between two moments as people write them. Raises `SettingsError`."""
    from gateway.core.errors import SettingsError
    from gateway.core.recorded import RulingFilter
    from gateway.workbench.replay_period import moment_ms

    now = SystemClock().now_ms()
    wanted = RulingFilter(
        since_ms=moment_ms(since, now), until_ms=None if until is None else moment_ms(until, now)
    )
    if wanted.until_ms is not None and wanted.until_ms <= wanted.since_ms:
        raise SettingsError(f"Nothing lies between {since} and {until}; --until is later than --since.")
    return wanted


async def _fetched(client: "Client", wanted: "RulingFilter") -> "list[RecordedRuling]":
    from gateway.core.recorded import RecordedRuling

    found: list[RecordedRuling] = []
    after: str | None = None
    while True:
        page = await client.rulings(
            since_ms=wanted.since_ms,
            until_ms=wanted.until_ms,
            action=wanted.action_id,
            after=after,
            limit=_PAGE,
        )
        found += [RecordedRuling.model_validate(one) for one in page["items"]]
        after = page["after"]
        if after is None:
            return found
