"""Engines under test: the same policy in this process and at a real OPA server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.engine import Engine
from gateway.adapters.opa.process import OpaServer
from gateway.adapters.opa.server import ServerPolicy
from gateway.adapters.opa.wasm import WasmPolicy
from gateway.workbench.build import build
from tests.gateway.workbench.trees import FAULTY_GATE, tree


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> BuiltPolicy:
    """The policy that answers as it is told."""
    folder = tmp_path_factory.mktemp("faulty")
    return build(tree(folder, {"gate/gate.rego": FAULTY_GATE}), folder / "out")


@pytest.fixture
async def server(faulty: BuiltPolicy) -> AsyncIterator[OpaServer]:
    """A real OPA server with that policy."""
    running = OpaServer(opa_binary(), faulty.rego_bundle)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture(params=["wasm", "server"])
async def engine(request: pytest.FixtureRequest, faulty: BuiltPolicy) -> AsyncIterator[Engine]:
    """The port `Policy`, by each engine in turn."""
    if request.param == "wasm":
        policy: Engine = WasmPolicy.load(faulty, timeout_seconds=1.0)
        yield policy
        await policy.close()
    else:
        running = OpaServer(opa_binary(), Path(faulty.rego_bundle))
        await running.start()
        policy = ServerPolicy.connect(faulty, running.address, timeout_seconds=1.0)
        yield policy
        await policy.close()
        await running.stop()
