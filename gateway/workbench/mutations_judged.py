"""Whether a rule's own cases and Rego tests notice a mutant.

All mutants of a rule are loaded into one OPA server side by side, each as `mutants.<name>.rules.<team>.<rule>` with its
own copy of the rule's tests. Asking one costs what its findings cost; the whole gate is asked only for a case whose
findings the mutant changes.
"""

import asyncio
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.canonical import canonical_bytes
from gateway.adapters.opa.binary import opa_binary
from gateway.adapters.opa.command import run_opa
from gateway.core.errors import SettingsError
from gateway.core.model import Model
from gateway.workbench.asked import Questions, asked
from gateway.workbench.build import stage_rego
from gateway.workbench.cases import PlacedCase
from gateway.workbench.cases_in_rego import given, held
from gateway.workbench.mutations_in_rules import RuleMutant
from gateway.workbench.verdict_checks import differences

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
    async with asked(stage) as ask:
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


async def _observed(name: str, ask: Questions) -> dict[str, Any] | None:
    answer: dict[str, Any] | None = await ask.if_any("judge", "observed", name)
    return answer


async def _noticed(name: str, right: dict[str, Any], bench: Bench, ask: Questions) -> bool:
    """Whether a test of the rule ends otherwise than before, or a case is not answered as it expects."""
    seen = await _observed(name, ask)
    if seen is None or seen.get("tests") != right["tests"]:
        return True
    changed = [place for place in range(len(bench.placed)) if _of_case(seen, place) != _of_case(right, place)]
    for place in changed:
        decision = await ask.if_any("judge", "decisions", name, str(place))
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
    inputs = {str(place): held(one, bench.data) for place, one in enumerate(bench.placed)}
    whole = {**bench.data, "workbench_names": list(names), "workbench_cases": inputs}
    (stage / "data.json").write_bytes(canonical_bytes(whole))
    (stage / "judge.rego").write_text(_judge(bench), encoding="utf-8")


_JUDGE = """package judge

observed[name] := {{"tests": tests, "findings": findings}} if {{
	some name in data.workbench_names
	tests := {{key: value |
		some key, value in data.mutants[name].{package}_test
		startswith(key, "test_")
	}}
	findings := {{place: found | some place, found in _found(name)}}
}}

decisions[name][place] := _decision(name, place) if {{
	some name in data.workbench_names
	some place, _ in data.workbench_cases
}}

_found(name) := {{place: found |
	some place, _ in data.workbench_cases
	found := _finding(name, place)
}}

# A rule without cases has these two all the same.
_finding(_, "none") := set() if false

_decision(_, "none") := null if false
"""


def _judge(bench: Bench) -> str:
    """Parts of data can only be replaced by name, so each case has its own function."""
    return _JUDGE.format(package=bench.package) + "".join(
        _of_one(place, one, bench.package) for place, one in enumerate(bench.placed)
    )


def _of_one(place: int, placed: PlacedCase, package: str) -> str:
    under = given(place, placed)
    return (
        f'\n_finding(name, "{place}") := found if found := data.mutants[name].{package}.findings{under}\n'
        f'\n_decision(name, "{place}") := answer if {{\n\tfound := _finding(name, "{place}")\n'
        f"\tanswer := data.gate.decision{under} with data.{package}.findings as found\n}}\n"
    )


def judge_now(bench: Bench, mutants: Sequence[RuleMutant], stage: Path) -> Judged:
    """The same for callers without an event loop, one per thread."""
    return asyncio.run(judged(bench, mutants, stage))
