"""`loopgate policy mutate`: whether anybody notices when a fact is lost, or when a rule is a little wrong.

Two kinds. *Inputs*: every field of every case's input is deleted and retyped, and no verdict may get easier. *Rules*:
small mistakes are planted in each rule, and its own cases and Rego tests must notice nine in ten. What survives though
nothing changes is explained in the rule's folder (`survivors.yaml`) and not counted.
"""

import hashlib
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gateway.adapters.opa.built import BuiltPolicy
from gateway.core.errors import SettingsError
from gateway.core.model import Model
from gateway.workbench.build import build
from gateway.workbench.cases import PlacedCase, cases
from gateway.workbench.complaints import Complaint
from gateway.workbench.mutations_explained import explanations, stale
from gateway.workbench.mutations_in_rules import RuleMutant, rule_mutants
from gateway.workbench.mutations_judged import Bench, Judged, judge_now
from gateway.workbench.mutations_loosening import Choice, InputReport, input_report
from gateway.workbench.syntax import parsed

SEED = 20
MOST = 120
RETYPINGS = 30
NEEDED_PERMILLE = 900
_WHOLE = 1000
_THREADS = 2

Told = Callable[[str], None]


class Plan(Model):
    """What to mutate: the rules (folders such as `rules/flow/branch`), and whether the gate's own cases belong to it.

    `most` is the most mutants of one rule, `retypings` the most retyped facts of one case beside all deleted ones;
    None for all of them. `seed` chooses.
    """

    rules: tuple[str, ...]
    gate: bool = False
    seed: int = SEED
    most: int = MOST
    inputs: bool = True
    retypings: int | None = RETYPINGS


class Survivor(Model):
    """A planted mistake that no case and no test of the rule noticed; `reason` when the rule's folder explains it."""

    file: str
    row: int
    operator: str
    within: str
    was: str
    becomes: str
    reason: str = ""

    def __str__(self) -> str:
        """`file:line: operator in rule: before → after`."""
        return f"{self.file}:{self.row}: {self.operator} in {self.within}: {self.was} → {self.becomes}"


class RuleScore(Model):
    """How one rule's cases did: mutants judged, noticed, explained; those left out of the sample; those that are no Rego."""

    rule: str
    judged: int
    noticed: int
    left_out: int
    not_rego: int
    survivors: tuple[Survivor, ...]
    complaints: tuple[Complaint, ...] = ()

    @property
    def explained(self) -> int:
        """Survivors that the rule's folder says change nothing."""
        return sum(bool(one.reason) for one in self.survivors)

    @property
    def permille(self) -> int:
        """The share of mutants noticed, of those that change anything."""
        counted = self.judged - self.explained
        return _WHOLE * self.noticed // counted if counted else _WHOLE

    @property
    def enough(self) -> bool:
        """Whether nine in ten were noticed and every explanation still explains something."""
        return self.permille >= NEEDED_PERMILLE and not self.complaints


class MutationReport(Model):
    """Both kinds together."""

    seed: int
    rules: tuple[RuleScore, ...]
    inputs: InputReport

    @property
    def holds(self) -> bool:
        """Whether no input mutation loosens and every rule's cases notice enough."""
        return not self.inputs.loosened and all(one.enough for one in self.rules)


def rules_of(folder: Path, wanted: str | None) -> tuple[str, ...]:
    """The rule folders that a code (`BLAST-001`) or a name (`blast/files`) means; all of them for None.

    Raises `SettingsError` when there is none.
    """
    every = tuple(
        sorted(path.parent.relative_to(folder).as_posix() for path in folder.glob("rules/*/*/*.rego"))
    )
    every = tuple(dict.fromkeys(every))
    if wanted is None:
        return tuple(every)
    name = f"rules/{wanted.removeprefix('rules/').strip('/')}"
    found = tuple(one for one in every if one == name or _holds_code(folder / one, wanted))
    if not found:
        raise SettingsError(f"{folder} has no rule {wanted}; name a code such as BLAST-001, or team/rule")
    return found


def _holds_code(place: Path, code: str) -> bool:
    marks = (f"#   code: {code}\n", f"#  code: {code}\n")
    return any(mark in path.read_text("utf-8") for path in place.glob("*.rego") for mark in marks)


def mutate(folder: Path, plan: Plan, told: Told) -> MutationReport:
    """Mutate the plan's rules and their cases' inputs; `told` hears of each rule and case that is done.

    Raises `SettingsError` when the folder does not build or a case is not one.
    """
    with tempfile.TemporaryDirectory(prefix="loopgate-mutate-") as scratch:
        built, placed = build(folder, Path(scratch) / "built", packed=False), cases(folder)
        data = built.data

        def one_rule(rule: str) -> RuleScore:
            score = _score(folder, rule, plan, data, placed, Path(scratch))
            told(rule)
            return score

        with ThreadPoolExecutor(_THREADS, thread_name_prefix="mutate") as pool:
            scores = tuple(pool.map(one_rule, plan.rules))
        inputs = _inputs(built, placed, plan, told) if plan.inputs else InputReport()
    return MutationReport(seed=plan.seed, rules=scores, inputs=inputs)


def steps_of(folder: Path, plan: Plan) -> int:
    """How often `mutate` will tell of something done."""
    strict = [one for one in _of_plan(cases(folder), plan) if one.case.effect != "allow"]
    return len(plan.rules) + (len(strict) if plan.inputs else 0)


def _inputs(built: BuiltPolicy, placed: tuple[PlacedCase, ...], plan: Plan, told: Told) -> InputReport:
    choice = Choice(seed=plan.seed, most=plan.retypings)
    return input_report(built, _of_plan(placed, plan), told, choice)


def _of_plan(placed: tuple[PlacedCase, ...], plan: Plan) -> tuple[PlacedCase, ...]:
    homes = {*plan.rules, *(["gate"] if plan.gate else [])}
    return tuple(one for one in placed if one.file.rpartition("/")[0] in homes)


def _score(
    folder: Path, rule: str, plan: Plan, data: dict[str, Any], placed: tuple[PlacedCase, ...], scratch: Path
) -> RuleScore:
    every = mutants_of(folder, rule)
    chosen, left_out = _sampled(every, plan)
    own = tuple(one for one in placed if one.file.startswith(f"{rule}/"))
    bench = Bench(folder=folder, rule=rule, placed=own, data=data)
    found = judge_now(bench, chosen, scratch / rule)
    return _scored(folder, rule, found, left_out)


def mutants_of(folder: Path, rule: str) -> tuple[RuleMutant, ...]:
    """Every mutant of every module of a rule's folder.

    Raises `SettingsError` when one does not parse.
    """
    paths = [path for path in sorted((folder / rule).glob("*.rego")) if not path.name.endswith("_test.rego")]
    read = [(parsed(path, folder), path.read_text("utf-8")) for path in paths]
    return tuple(one for module, text in read for one in rule_mutants(module.file, text, module.rules))


def _sampled(
    every: tuple[RuleMutant, ...], plan: Plan
) -> tuple[tuple[RuleMutant, ...], tuple[RuleMutant, ...]]:
    """The mutants to judge and those left out; the same seed chooses the same."""
    chosen = sorted(every, key=lambda one: hashlib.sha256(f"{plan.seed}:{one.text}".encode()).digest())
    texts = {one.text for one in chosen[: plan.most]}
    return tuple(o for o in every if o.text in texts), tuple(o for o in every if o.text not in texts)


def _scored(folder: Path, rule: str, found: Judged, left_out: tuple[RuleMutant, ...]) -> RuleScore:
    told = explanations(folder, rule)
    return RuleScore(
        rule=rule,
        judged=len(found.noticed) + len(found.survived),
        noticed=len(found.noticed),
        left_out=len(left_out),
        not_rego=found.not_rego,
        survivors=tuple(
            Survivor(
                **one.model_dump(exclude={"text"}),
                reason=next((t.explanation.reason for t in told if t.explanation.explains(one)), ""),
            )
            for one in found.survived
        ),
        complaints=stale(told, found.survived, left_out),
    )
