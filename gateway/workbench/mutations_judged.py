"""Whether a rule's own cases and Rego tests notice a mutant.

All mutants of a rule are loaded into one OPA server side by side, each as `mutants.<name>.rules.<team>.<rule>` with its
own copy of the rule's tests. Asking one costs what its findings cost; the whole gate is asked only for a case whose
findings the mutant changes.
"""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from audit.canonical import canonical_bytes
from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.command import run_opa
from gateway.adapters.opa.process import opa_server
from gateway.core.errors import SettingsError
from gateway.core.model import Model
from gateway.workbench.build import stage_rego
from gateway.workbench.cases import PlacedCase, patched_data
from gateway.workbench.mutations_in_rules import RuleMutant
from gateway.workbench.verdict_checks import differences

_SECONDS = 30.0
_ORIGINAL = "original"
_ROUNDS = 8


class Bench(Model):
    """What one rule's mutants are judged with: the library, the rule's folder in it, its cases, the data as built."""

    folder: Path
    rule: str
    placed: tuple[PlacedCase, ...]
    data: dict[str, Any]

    @property
    def package(self) -> str:
        """`rules.<team>.<rule>`."""
        return self.rule.replace("/", ".")


class Judged(Model):
    """Which mutants were noticed, which survived, and how many were no Rego at all."""

    noticed: tuple[RuleMutant, ...] = ()
    survived: tuple[RuleMutant, ...] = ()
    not_rego: int = 0


async def judged(bench: Bench, mutants: Sequence[RuleMutant], stage: Path) -> Judged:
    """Judge every mutant of one rule by the rule's own tests and cases.

    Raises `SettingsError` when the rule itself does not compile or does not pass.
    """
    named = {f"m{place}": one for place, one in enumerate(mutants)}
    _stage(bench, named, stage)
    refused = _refused(stage)
    viable = [name for name in named if name not in refused]
    _write_judge(bench, (_ORIGINAL, *viable), stage)
    async with _asked(stage) as ask:
        right = await _observed(_ORIGINAL, ask)
        if right is None or "tests" not in right:
            raise SettingsError(f"{bench.rule}: the rule's own tests do not run; see `loopgate policy test`")
        seen = {name: await _noticed(name, right, bench, ask) for name in viable}
    seen |= {name: True for name, by_test in refused.items() if by_test}
    return Judged(
        noticed=tuple(one for name, one in named.items() if seen.get(name, False)),
        survived=tuple(one for name, one in named.items() if not seen.get(name, True)),
        not_rego=len(named) - len(seen),
    )


class _Questions:
    """The server's answers, None for an error and for undefined."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def __call__(self, *path: str) -> Any:
        answer = await self._client.post("/v1/data/" + "/".join(path), json={"input": {}})
        return answer.json().get("result") if answer.is_success else None


@asynccontextmanager
async def _asked(stage: Path) -> AsyncIterator[_Questions]:
    async with opa_server(opa_binary(), stage) as server:
        address = f"http://{server.address.host}:{server.address.port}"
        async with httpx2.AsyncClient(base_url=address, timeout=_SECONDS, trust_env=False) as client:
            yield _Questions(client)


async def _observed(name: str, ask: _Questions) -> dict[str, Any] | None:
    answer: dict[str, Any] | None = await ask("judge", "observed", name)
    return answer


async def _noticed(name: str, right: dict[str, Any], bench: Bench, ask: _Questions) -> bool:
    """Whether a test of the rule ends otherwise than before, or a case is not answered as it expects."""
    seen = await _observed(name, ask)
    if seen is None or seen.get("tests") != right["tests"]:
        return True
    changed = [place for place in range(len(bench.placed)) if _of_case(seen, place) != _of_case(right, place)]
    for place in changed:
        decision = await ask("judge", "decisions", name, str(place))
        if differences(bench.placed[place], decision):
            return True
    return False


def _of_case(observed: Mapping[str, Any], place: int) -> Any:
    return observed.get("findings", {}).get(str(place))


def _stage(bench: Bench, named: Mapping[str, RuleMutant], stage: Path) -> None:
    """The library as it is, and beside it each mutant's copy of the rule's folder."""
    stage_rego(bench.folder, stage)
    sources = {
        path.relative_to(bench.folder).as_posix(): path.read_text("utf-8")
        for path in sorted((bench.folder / bench.rule).glob("*.rego"))
    }
    for name, mutant in {_ORIGINAL: None, **named}.items():
        texts = sources if mutant is None else {**sources, mutant.file: mutant.text}
        for file, text in texts.items():
            place = stage / "mutants" / name / Path(file).name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(_renamed(text, bench.package, name), encoding="utf-8")


def _renamed(text: str, package: str, name: str) -> str:
    """The module as one of a mutant: its own package and its tests' import of it begin with `mutants.<name>`."""
    own = re.escape(package)
    text = re.sub(rf"^package {own}", f"package mutants.{name}.{package}", text, count=1, flags=re.MULTILINE)
    return re.sub(rf"\bdata\.{own}\b", f"data.mutants.{name}.{package}", text)


def _refused(stage: Path) -> dict[str, bool]:
    """The mutants that do not compile, and whether it is only their test that does not: then OPA's types noticed them.

    OPA reports one stage of errors at a time, so it is asked until it is content. Raises `SettingsError` when what is
    wrong is not in a mutant.
    """
    refused: dict[str, bool] = {}
    for _ in range(_ROUNDS):
        ran = run_opa(opa_binary(), ["check", "--format", "json", "--max-errors", "0", "."], cwd=stage)
        if ran.status == 0:
            return refused
        broken = _broken(ran.err or ran.out)
        for name in broken:
            shutil.rmtree(stage / "mutants" / name)
        refused |= broken
    raise SettingsError(f"{_ROUNDS} rounds of `opa check` still find mutants that do not compile")


def _broken(printed: str) -> dict[str, bool]:
    try:
        files = [Path(error["location"]["file"]).parts for error in json.loads(printed)["errors"]]
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"opa check: {printed.strip()}") from error
    broken: dict[str, bool] = {}
    for parts in files:
        if parts[0] == "mutants" and parts[1] != _ORIGINAL:
            broken[parts[1]] = broken.get(parts[1], True) and parts[-1].endswith("_test.rego")
    if not broken:
        raise SettingsError(f"opa check: {printed.strip()}")
    return broken


def _write_judge(bench: Bench, names: Sequence[str], stage: Path) -> None:
    inputs = {str(place): _held(one, bench.data) for place, one in enumerate(bench.placed)}
    held = {**bench.data, "workbench": {"names": list(names), "cases": inputs}}
    (stage / "data.json").write_bytes(canonical_bytes(held))
    (stage / "judge.rego").write_text(_judge(bench), encoding="utf-8")


def _held(placed: PlacedCase, data: Mapping[str, Any]) -> dict[str, Any]:
    """A case's input and the top-level parts of data that it changes."""
    patched = patched_data(data, placed.case) if placed.case.data else {}
    changed = {path.split(".")[0] for path in placed.case.data}
    return {"input": placed.document, "data": {key: patched[key] for key in changed}}


_JUDGE = """package judge

observed[name] := {{"tests": tests, "findings": findings}} if {{
	some name in data.workbench.names
	tests := {{key: value |
		some key, value in data.mutants[name].{package}_test
		startswith(key, "test_")
	}}
	findings := {{place: found | some place, found in _found(name)}}
}}

decisions[name][place] := _decision(name, place) if {{
	some name in data.workbench.names
	some place, _ in data.workbench.cases
}}

_found(name) := {{place: found |
	some place, _ in data.workbench.cases
	found := _finding(name, place)
}}
"""


def _judge(bench: Bench) -> str:
    """Parts of data can only be replaced by name, so each case has its own function."""
    return _JUDGE.format(package=bench.package) + "".join(
        _of_one(place, one, bench.package) for place, one in enumerate(bench.placed)
    )


def _of_one(place: int, placed: PlacedCase, package: str) -> str:
    case = f'data.workbench.cases["{place}"]'
    parts = sorted({path.split(".")[0] for path in placed.case.data})
    given = f" with input as {case}.input" + "".join(
        f" with data.{part} as {case}.data.{part}" for part in parts
    )
    return (
        f'\n_finding(name, "{place}") := found if found := data.mutants[name].{package}.findings{given}\n'
        f'\n_decision(name, "{place}") := answer if {{\n\tfound := _finding(name, "{place}")\n'
        f"\tanswer := data.gate.decision{given} with data.{package}.findings as found\n}}\n"
    )


def judge_now(bench: Bench, mutants: Sequence[RuleMutant], stage: Path) -> Judged:
    """The same for callers without an event loop, one per thread."""
    return asyncio.run(judged(bench, mutants, stage))
