"""The library: policies by digest, from the database, checked and loaded before they judge anything."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.bundles import BundleRefusedError
from gateway.adapters.opa.engine import Engine
from gateway.adapters.opa.releases import Opened, Release, opened, release_of
from gateway.adapters.opa.server import ServerAddress, ServerPolicy
from gateway.adapters.opa.signatures import keys_of
from gateway.adapters.opa.wasm import WasmPolicy
from gateway.adapters.store.policies import Bundles, Policies
from gateway.app.succession import check_data, check_succession
from gateway.core.errors import LedgerUnavailableError, SettingsError
from gateway.core.policies import KeptPolicy
from gateway.ports import Clock
from gateway.settings import PolicySettings

log = logging.getLogger(__name__)
_WARM = 2


class Library:
    """Takes policies up by digest. `folder` is where they are unpacked, and found when the database has them no more.

    A few engines are kept warm: one that was in force a moment ago, one that may be next.
    """

    def __init__(self, policies: Policies, settings: PolicySettings, folder: Path, clock: Clock) -> None:
        self._policies, self._settings, self._folder, self._clock = policies, settings, folder, clock
        self._keys = keys_of(settings.keys)
        self._warm: OrderedDict[str, Engine] = OrderedDict()
        self._loading, self._trying = asyncio.Lock(), asyncio.Lock()

    async def built(self, digest: str, *, signed: bool) -> BuiltPolicy:
        """A kept policy, checked anew and unpacked; `signed` asks for a signature by a key of the settings.

        Raises `BundleRefusedError` saying why it is not believed.
        """
        try:
            return await self._from_database(digest, signed=signed)
        except (BundleRefusedError, LedgerUnavailableError) as error:
            beside = await asyncio.to_thread(self._beside, digest, signed=signed)
            if beside is None:
                raise BundleRefusedError(error.detail) from error
            log.warning("policy %s is taken from the home, not from the database: %s", digest, error.detail)
            return beside

    async def proved(self, digest: str, *, sealed: bool, signed: bool = True) -> Opened:
        """A kept policy that loads, denies what is forbidden, and, once sealed, can be followed by another.

        Raises `BundleRefusedError` with the first thing that is wrong. Its engine stays warm.
        """
        async with self._loading:
            one = await self._opened(digest, signed=signed)
            built = await asyncio.to_thread(one.unpacked, self._folder / digest)
            check_data(built)
            engine = self._warm.get(digest) or await self._loaded(built)
            await self._keep_warm(digest, engine)
            if sealed:
                await check_succession(engine, self._clock.now_ms())
            return one

    async def engine(self, built: BuiltPolicy) -> Engine:
        """The engine of the settings for a policy, self-tested; raises `BundleRefusedError`."""
        async with self._loading:
            warm = self._warm.pop(built.digest, None)
            if self._settings.engine == "wasm":
                return warm or await self._loaded(built)
            if warm:
                await warm.close()
            server = engine_of(self._settings, built)
            await server.self_test()
            return server

    @asynccontextmanager
    async def draft(self, digest: str) -> AsyncIterator[Engine]:
        """A warm engine for trying a kept policy, which judges nothing else; one at a time.

        Raises `BundleRefusedError`.
        """
        async with self._trying:
            await self.proved(digest, sealed=False)
            yield self._warm[digest]

    async def retire(self, engine: Engine) -> None:
        """Keep an engine that judges no more for a while: a rollback would want it at once."""
        if isinstance(engine, WasmPolicy):
            await self._keep_warm(engine.in_force.version.digest, engine)
        else:
            await engine.close()

    async def close(self) -> None:
        """Let every warm engine go."""
        await self._let_go(0)

    async def _from_database(self, digest: str, *, signed: bool) -> BuiltPolicy:
        one = await self._opened(digest, signed=signed)
        return await asyncio.to_thread(one.unpacked, self._folder / digest)

    async def _opened(self, digest: str, *, signed: bool) -> Opened:
        kept = await self._policies.bundles(digest)
        if kept is None:
            raise BundleRefusedError("There is no such policy; upload it first.")
        return await asyncio.to_thread(
            self.check, Release(wasm=kept.wasm, rego=kept.rego), signed=signed, digest=digest
        )

    def check(self, release: Release, *, signed: bool, digest: str | None = None) -> Opened:
        """Check a release, and that it is the one wanted. Raises `BundleRefusedError`."""
        if signed and not self._keys:
            raise BundleRefusedError(
                "The settings name no key in policy.keys, so no policy can be believed; `loopgate policy key` makes one."
            )
        one = opened(release, self._keys if signed else None)
        if digest is not None and one.card.digest != digest:
            raise BundleRefusedError("The bundle is another policy than the one asked for.")
        return one

    def _beside(self, digest: str, *, signed: bool) -> BuiltPolicy | None:
        folder = self._folder / digest
        try:
            files = [(folder / f"{name}.tar.gz").read_bytes() for name in ("wasm", "rego")]
            return self.check(Release(wasm=files[0], rego=files[1]), signed=signed, digest=digest).unpacked(
                folder
            )
        except (OSError, BundleRefusedError):
            return None

    async def _loaded(self, built: BuiltPolicy) -> Engine:
        try:
            engine = await asyncio.to_thread(WasmPolicy.load, built)
        except (SettingsError, ValueError) as error:
            raise BundleRefusedError(f"The policy does not load: {error}") from error
        tested = await engine.self_test()
        if not tested.ok:
            await engine.close()
            raise BundleRefusedError(f"The policy fails its self-test: {tested.detail}.")
        return engine

    async def _keep_warm(self, digest: str, engine: Engine) -> None:
        before, self._warm[digest] = self._warm.get(digest), engine
        self._warm.move_to_end(digest)
        if before is not None and before is not engine:
            await before.close()
        await self._let_go(_WARM)

    async def _let_go(self, most: int) -> None:
        while len(self._warm) > most:
            _, engine = self._warm.popitem(last=False)
            await engine.close()


def kept_of(one: Opened, by: str) -> tuple[KeptPolicy, Bundles]:
    """What is stored of a checked release."""
    card, release = one.card, one.release
    policy = KeptPolicy(
        digest=card.digest,
        revision=card.revision,
        sha256=release.sha256,
        wasm_sha256=card.wasm_sha256,
        key_id=one.key_id,
        by=by,
        kept_ms=0,
    )
    return policy, Bundles(wasm=release.wasm, rego=release.rego)


def kept_from(built: BuiltPolicy, by: str) -> tuple[KeptPolicy, Bundles]:
    """What is stored of a policy that was built here. Raises `BundleRefusedError`."""
    return kept_of(opened(release_of(built), None), by)


def engine_of(settings: PolicySettings, built: BuiltPolicy) -> Engine:
    """The engine that the settings name. Raises `SettingsError`."""
    if settings.engine == "wasm":
        return WasmPolicy.load(built)
    server = urlsplit(settings.server_url)
    if server.scheme not in {"http", "https"} or not server.hostname:
        raise SettingsError(
            "policy.engine is `server`: name the OPA server in policy.server_url, as http://host:port."
        )
    tls = server.scheme == "https"
    address = ServerAddress(host=server.hostname, port=server.port or (443 if tls else 80), tls=tls)
    return ServerPolicy.connect(built, address)
