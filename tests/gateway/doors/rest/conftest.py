"""A gateway served over a real socket from a thread, for clients that are not asynchronous."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core.credentials import Token
from gateway.core.principals import Scope
from gateway.serving import Listener
from tests.town import AUDITOR, OPERATOR, OWNER, Town, built_town

PEOPLE = {"operator": OPERATOR, "approver": OWNER, "auditor": AUDITOR, "policy-author": "prn_platform"}


class Served:
    """Where the gateway listens, and a token of each role."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.url = ""
        self.tokens: dict[str, str] = {}
        self.worthless: dict[str, str] = {}
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(60)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with self.town.open():
            settings = self.town.settings.serve.model_copy(update={"port": 0})
            async with Listener(self.town.gateway, settings) as listener:
                self.tokens = await self._sign_everybody_in()
                self.worthless = await self._make_worthless_tokens()
                self.url = listener.url
                self._ready.set()
                await self._stop.wait()

    async def _sign_everybody_in(self) -> dict[str, str]:
        """A token per role; agents by the operator's hand, people as a long-lived token for the test's length."""
        issue = self.town.gateway.store.credentials.issue
        wide = Scope(projects=("shop/*", "jira:SHOP"), action_types=("*",))
        named = {"agent": "agt_fixer", "system": "sys_scanner", **PEOPLE}
        return {
            role: (await issue(who, wide, door="rest", lifetime_s=3600, by="test")).secret
            for role, who in named.items()
        }

    async def _make_worthless_tokens(self) -> dict[str, str]:
        """Tokens of an operator, who may nearly everything, that are good for nothing: by what is wrong with them."""
        credentials = self.town.gateway.store.credentials
        wide = Scope(projects=("*",), action_types=("*",))

        async def token(*, door: str = "rest", lifetime_s: int = 3600, who: str = OPERATOR) -> Token:
            return await credentials.issue(who, wide, door=door, lifetime_s=lifetime_s, by="test")

        revoked = await token()
        await credentials.revoke(revoked.id, by="test")
        return {
            "expired": (await token(lifetime_s=0)).secret,
            "revoked": revoked.secret,
            "wrong door": (await token(door="git")).secret,
            "not in the roster": (await token(who="prn_stranger")).secret,
            "unknown": "lg_" + "A" * 43,
            "no token": "nonsense",
        }


@pytest.fixture(scope="module")
def served(home_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served gateway, shared by the tests of a module."""
    with built_town(home_template, tmp_path_factory.mktemp("served")) as town:
        served = Served(town)
        served.start()
        yield served
        served.stop()
