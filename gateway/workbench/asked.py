"""Asking an OPA server of our own about a folder: many questions, one start."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.engine import EngineFailureError
from gateway.adapters.opa.process import opa_server

_SECONDS = 30.0


class Questions:
    """The server's answers to paths below `data`."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def __call__(self, *path: str) -> Any:
        """What stands at a path.

        Raises `EngineFailureError` when the server cannot evaluate it, or it is undefined.
        """
        answer = await self._client.post("/v1/data/" + "/".join(path), json={"input": {}})
        if not answer.is_success:
            raise EngineFailureError(answer.text, reason="engine error")
        if "result" not in answer.json():
            raise EngineFailureError(f"{'.'.join(path)} is undefined", reason="undefined")
        return answer.json()["result"]

    async def if_any(self, *path: str) -> Any:
        """The same, but None where there is no answer."""
        try:
            return await self(*path)
        except EngineFailureError:
            return None


@asynccontextmanager
async def asked(stage: Path) -> AsyncIterator[Questions]:
    """A server for the folder `stage`, for the length of a block.

    Raises `SettingsError` with OPA's own words when the folder does not load.
    """
    async with opa_server(opa_binary(), stage) as server:
        address = f"http://{server.address.host}:{server.address.port}"
        async with httpx2.AsyncClient(base_url=address, timeout=_SECONDS, trust_env=False) as client:
            yield Questions(client)
