"""One contract for both engines: whatever goes wrong denies, and readiness is red until a self-test passes."""

from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.engine import Engine
from gateway.adapters.opa.process import OpaServer, opa_server
from gateway.adapters.opa.server import ServerPolicy
from gateway.adapters.opa.wasm import WasmPolicy
from gateway.core.errors import SettingsError
from gateway.core.rulings import Decision, Effect
from gateway.workbench.build import build
from tests.gateway.workbench.trees import LENIENT_GATE, tree

FAULTS = {
    "undefined": "undefined",
    "conflict": "engine error",
    "slow": "",
    "no document": "bad answer",
    "extra key": "bad answer",
    "missing key": "bad answer",
    "unknown effect": "bad answer",
    "allow without a grant": "bad answer",
    "allow with a denial": "bad answer",
    "question to nobody": "bad answer",
    "unknown clause": "bad answer",
    "fraction": "bad answer",
}
SOUND: dict[str, Any] = {"fault": "none"}


def unavailable(decision: Decision) -> str:
    """The reason of a denial that stands for an engine that did not judge."""
    (finding,) = decision.findings
    assert decision.effect is Effect.DENY
    assert finding.code == "POLICY_UNAVAILABLE"
    assert finding.effect is Effect.DENY
    return str(finding.facts["reason"])


async def test_a_sound_answer_is_the_decision(engine: Engine) -> None:
    assert not engine.readiness().ok
    decision = await engine.decide(SOUND)
    assert decision.effect is Effect.ALLOW
    assert decision.grants == ("g",)
    assert engine.readiness().ok


@pytest.mark.parametrize("fault", FAULTS)
async def test_silence_is_not_consent_whatever_the_engine_does_wrong(engine: Engine, fault: str) -> None:
    await engine.self_test()
    reason = unavailable(await engine.decide({"fault": fault}))
    assert reason == FAULTS[fault] or fault == "slow"
    assert not engine.readiness().ok
    assert engine.readiness().detail


async def test_readiness_recovers_when_the_self_test_passes_again(engine: Engine) -> None:
    await engine.self_test()
    await engine.decide({"fault": "conflict"})
    assert not engine.readiness().ok
    assert (await engine.self_test()).ok
    assert engine.readiness().ok


async def test_the_next_decision_recovers_a_red_engine_by_itself(engine: Engine) -> None:
    await engine.decide({"fault": "slow"})
    assert not engine.readiness().ok
    assert (await engine.decide(SOUND)).effect is Effect.ALLOW
    assert engine.readiness().ok


@pytest.mark.parametrize(
    "document",
    [
        {"fault": "none", "x": "\ud800"},
        {"fault": "none", "x": float("nan")},
        {"fault": "none", "x": 0.5},
        {"fault": "none", "x": 2**53},
        {"fault": "none", "ключ": 1},
    ],
)
async def test_input_without_a_canonical_form_is_denied_and_readiness_stays(
    engine: Engine, document: dict[str, Any]
) -> None:
    await engine.self_test()
    assert unavailable(await engine.decide(document)) == "input not canonical"
    assert engine.readiness().ok


async def test_deep_nesting_is_denied(engine: Engine) -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    assert unavailable(await engine.decide({"fault": "none", "x": deep})) == "input not canonical"


async def test_after_closing_everything_is_denied(engine: Engine) -> None:
    await engine.self_test()
    await engine.close()
    assert unavailable(await engine.decide(SOUND)) == "self-test failed"
    assert not engine.readiness().ok


async def test_a_killed_server_denies_and_recovers_when_it_is_back(
    faulty: BuiltPolicy, server: OpaServer
) -> None:
    policy = ServerPolicy.connect(faulty, server.address)
    assert (await policy.decide(SOUND)).effect is Effect.ALLOW
    await server.stop()
    assert unavailable(await policy.decide(SOUND)) == "engine error"
    assert not policy.readiness().ok
    assert unavailable(await policy.decide(SOUND)) == "self-test failed"
    again = OpaServer(opa_binary(), faulty.rego_bundle, port=server.address.port)
    await again.start()
    assert (await policy.decide(SOUND)).effect is Effect.ALLOW
    assert policy.readiness().ok
    await policy.close()
    await again.stop()


async def test_a_server_with_another_policy_is_not_believed(faulty: BuiltPolicy, tmp_path: Path) -> None:
    other = build(tree(tmp_path, {"gate/gate.rego": LENIENT_GATE}), tmp_path / "out")
    async with opa_server(opa_binary(), other.rego_bundle) as running:
        policy = ServerPolicy.connect(faulty, running.address)
        assert unavailable(await policy.decide(SOUND)) == "self-test failed"
        assert "another policy" in policy.readiness().detail
        await policy.close()


async def test_a_policy_that_allows_the_forbidden_action_never_becomes_ready(tmp_path: Path) -> None:
    lenient = build(tree(tmp_path, {"gate/gate.rego": LENIENT_GATE}), tmp_path / "out")
    policy = WasmPolicy.load(lenient)
    assert unavailable(await policy.decide(SOUND)) == "self-test failed"
    assert "not denied" in policy.readiness().detail
    await policy.close()


async def test_an_input_beyond_the_bound_denies_and_the_engine_survives(faulty: BuiltPolicy) -> None:
    policy = WasmPolicy.load(faulty)
    await policy.self_test()
    assert unavailable(await policy.decide({"fault": "none", "x": "x" * 10_000_000})) == "input too large"
    assert (await policy.decide(SOUND)).effect is Effect.ALLOW
    await policy.close()


async def test_a_bundle_that_is_no_bundle_says_so(faulty: BuiltPolicy, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"not a bundle")
    with pytest.raises(SettingsError, match="ended at once"):
        await OpaServer(opa_binary(), broken).start()
    (tmp_path / "policy.wasm").write_bytes(b"not wasm")
    with pytest.raises(SettingsError, match="does not load"):
        WasmPolicy.load(faulty.model_copy(update={"wasm_path": tmp_path / "policy.wasm"}))
