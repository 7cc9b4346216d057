"""`loopgate policy mutate`: whether anybody notices a lost fact, or a rule that is a little wrong."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from gateway.cli.terminal import Exit, console, errors, plain, print_table
from gateway.workbench.formats import Format, Outcome, Report, complaint_outcomes, rendered

if TYPE_CHECKING:
    from gateway.workbench.mutations import MutationReport, Plan, RuleScore


def mutate(
    folder: Annotated[Path, typer.Argument(help="The policy folder.")] = Path("policies"),
    rule: Annotated[str | None, typer.Option("--rule", help="One rule: its code, or team/rule.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Chooses the sample where a rule has many.")] = 20,
    most: Annotated[int, typer.Option("--most", help="The most mutants of one rule.", min=1)] = 120,
    inputs: Annotated[
        bool, typer.Option("--inputs/--no-inputs", help="Mutate the cases' inputs too.")
    ] = True,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Every mutant and every retyped fact.")
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
) -> int:
    """Delete and retype the facts of every case, and plant small mistakes in every rule; nine in ten must be noticed."""
    from gateway.workbench.mutations import Plan, rules_of

    plan = Plan(rules=rules_of(folder, rule), gate=rule is None, seed=seed, most=most, inputs=inputs)
    if thorough:
        plan = plan.model_copy(update={"most": sys.maxsize, "retypings": None})
    report = _run(folder, plan)
    if form is Format.TABLE:
        _print(report)
    else:
        sys.stdout.write(rendered(_as_report(report), form, root=folder.as_posix()))
    return Exit.DONE if report.holds else Exit.ERROR


def _run(folder: Path, plan: "Plan") -> "MutationReport":
    from gateway.workbench.mutations import mutate as run
    from gateway.workbench.mutations import steps_of

    with Progress(console=errors, transient=True) as progress:
        task = progress.add_task("Mutating …", total=steps_of(folder, plan))
        return run(folder, plan, lambda _: progress.advance(task))


def _print(report: "MutationReport") -> None:
    rows = (
        (one.rule.removeprefix("rules/"), one.judged, one.noticed, one.explained, one.left_out, _share(one))
        for one in report.rules
    )
    print_table(
        f"Planted mistakes (seed {report.seed})",
        ("rule", "judged", "noticed", "explained", "left out", "score"),
        rows,
    )
    for outcome in _as_report(report).outcomes:
        if outcome.level in {"error", "warning"}:
            console.print(plain(f"{outcome.file}:{outcome.line}: {outcome.message}"))
    console.print(plain(_summary(report)), style="green" if report.holds else "red")


def _share(score: "RuleScore") -> str:
    return f"{score.permille / 10:.1f} %"


def _summary(report: "MutationReport") -> str:
    weak = [one.rule.removeprefix("rules/") for one in report.rules if not one.enough]
    return (
        f"{report.inputs.judged} mutated inputs judged, {len(report.inputs.loosened)} loosened a verdict; "
        f"{sum(one.noticed for one in report.rules)} of {sum(one.judged for one in report.rules)} planted mistakes "
        + (f"noticed; too few in {', '.join(weak)}." if weak else "noticed.")
    )


def _as_report(report: "MutationReport") -> Report:
    outcomes = [
        Outcome(
            name=f"{one.case}: {one.mutation}",
            group=one.file,
            level="error",
            code="input-mutation",
            file=one.file,
            line=one.line,
            message=f"“{one.case}”: {one.mutation} turns {one.before} into {one.after}",
            remedy="make the rule complain when the fact is missing or of another type",
        )
        for one in report.inputs.loosened
    ]
    for score in report.rules:
        outcomes += _of_rule(score)
    return Report(tool="loopgate policy mutate", summary=_summary(report), outcomes=tuple(outcomes))


def _of_rule(score: "RuleScore") -> list[Outcome]:
    found = [
        Outcome(
            name=f"{one.operator} in {one.within}",
            group=score.rule,
            level="note" if one.reason else "warning" if score.enough else "error",
            code="rule-mutation",
            file=one.file,
            line=one.row,
            message=f"nobody notices: {one.operator} in {one.within}: {one.was} → {one.becomes}",
            remedy=one.reason or "add a case that tells the two apart, or explain it in survivors.yaml",
        )
        for one in score.survivors
    ]
    share = Outcome(name=f"{_share(score)} noticed", group=score.rule, code="rule-mutation")
    return [share, *found, *complaint_outcomes(score.complaints, "stale-explanation")]
