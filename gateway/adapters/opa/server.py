"""The engine beside the process: an OPA server that pulls the same bundle, asked over HTTP."""

import asyncio
import json
from typing import Any

import aiohttp
from opa_client.opa_async import AsyncOpaClient

from gateway.adapters.opa.built import ENTRYPOINT, BuiltPolicy
from gateway.adapters.opa.engine import Engine, EngineFailureError
from gateway.core.model import Model


class ServerAddress(Model):
    """Where the OPA server listens. `tls` with a certificate the system trusts; the client knows no other."""

    host: str
    port: int
    tls: bool = False
    token: str | None = None


class ServerEvaluator:
    """Asks one OPA server, once per decision: a retry would hide that it does not answer.

    With `digest` given, an answer from any other policy than that is no answer.
    """

    def __init__(self, address: ServerAddress, *, digest: str | None, timeout_seconds: float) -> None:
        self._client = AsyncOpaClient(
            host=address.host,
            port=address.port,
            ssl=address.tls,
            token=address.token,
            retries=0,
            timeout=timeout_seconds,
        )
        self._digest = digest
        self._opening = asyncio.Lock()
        self._open = False

    async def evaluate(self, document: bytes) -> Any:
        """The raw decision document for a policy input in canonical form."""
        await self._connect()
        package, _, rule = ENTRYPOINT.rpartition("/")
        try:
            envelope = await self._client.query_rule(
                json.loads(document), package, rule, {"provenance": "true"}
            )
        except TimeoutError as error:
            raise EngineFailureError("the OPA server did not answer in time", reason="time-out") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise EngineFailureError(f"{type(error).__name__}: {error}", reason="engine error") from error
        return self._believed(envelope)

    def _believed(self, envelope: Any) -> Any:
        # The client answers {} for undefined and for a rule that does not exist.
        if not isinstance(envelope, dict) or "result" not in envelope:
            raise EngineFailureError("the decision is undefined", reason="undefined")
        if self._digest is not None and _revisions(envelope) != {self._digest}:
            raise EngineFailureError(
                "the OPA server judged by another policy than the one in force", reason="other policy"
            )
        return envelope["result"]

    async def _connect(self) -> None:
        async with self._opening:
            if not self._open:
                await self._client.__aenter__()
                self._open = True

    async def close(self) -> None:
        """Close the connections."""
        async with self._opening:
            if self._open:
                await self._client.close_connection()
            self._open = False


class ServerPolicy(Engine):
    """The port `Policy`, at an OPA server."""

    @classmethod
    def connect(
        cls,
        built: BuiltPolicy,
        address: ServerAddress,
        *,
        timeout_seconds: float = 1.5,
        opa_version: str = "1.22.2",
    ) -> "ServerPolicy":
        """Ask the server at `address`, which must serve exactly `built`; red until its first self-test."""
        evaluator = ServerEvaluator(address, digest=built.digest, timeout_seconds=timeout_seconds)
        return cls(evaluator, built.in_force("opa-server", opa_version))


def _revisions(envelope: dict[str, Any]) -> set[str]:
    """The revisions of the bundles that took part in the answer."""
    provenance = envelope.get("provenance")
    bundles = provenance.get("bundles") if isinstance(provenance, dict) else None
    return {entry.get("revision", "") for entry in (bundles or {}).values() if isinstance(entry, dict)}
