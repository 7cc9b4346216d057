"""`loopgate policy`: what policy authors run on a checkout; needs no gateway."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import (
    policy_docs,
    policy_draft,
    policy_explain,
    policy_mutate,
    policy_new,
    policy_replay,
    policy_shadow,
    policy_ship,
)
from gateway.cli.policy_output import AsFormat, OutFile, chosen, put, show_report
from gateway.cli.terminal import Exit, console, errors, plain, print_json, print_table
from gateway.core.errors import SettingsError
from gateway.workbench.formats import Format
from gateway.workbench.formats import as_json as json_text

if TYPE_CHECKING:
    from gateway.workbench.complaints import Complaint

app = typer.Typer(no_args_is_help=True, help="Write, check, test and build policies.")
app.command("mutate")(policy_mutate.mutate)
app.command("new")(policy_new.new)
app.command("replay")(policy_replay.replay)
app.command("docs")(policy_docs.docs)
app.command("draft")(policy_draft.draft)
app.command("explain")(policy_explain.explain)
app.command("shadow")(policy_shadow.shadow)
app.command("exceptions")(policy_shadow.exceptions)
policy_ship.register(app)
Folder = Annotated[Path, typer.Argument(help="The policy folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
_REPORTS = frozenset({Format.JUNIT, Format.SARIF, Format.MARKDOWN})


@app.command("check")
def check_folder(
    folder: Folder = Path("policies"),
    form: AsFormat = Format.TABLE,
    as_json: AsJson = False,
    out: OutFile = None,
) -> int:
    """Format, types, capabilities, the fail-open lint, fact paths, METADATA, ownership, registry."""
    from gateway.workbench.check import check
    from gateway.workbench.formats_checks import check_report

    with errors.status("Checking …"):
        complaints = check(folder)
    _tell_of_exceptions(folder)
    done = f"{folder} passes every check."
    if form in _REPORTS and not as_json:
        files = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.rego")))
        show_report(check_report(files, complaints, done), form, root=folder.as_posix(), out=out)
    return _verdict(complaints, done, chosen(form, as_json=as_json), out)


@app.command("test")
def run_tests(
    folder: Folder = Path("policies"),
    form: AsFormat = Format.TABLE,
    as_json: AsJson = False,
    out: OutFile = None,
) -> int:
    """Every case on both engines, byte for byte; every Rego test; every line reached."""
    from gateway.workbench.case_runs import run_cases
    from gateway.workbench.cases import cases as placed_cases
    from gateway.workbench.coverage import coverage
    from gateway.workbench.formats_checks import test_report

    with errors.status("Judging every case on both engines …"):
        cases = asyncio.run(run_cases(folder))
    with errors.status("Measuring coverage …"):
        covered = coverage(folder)
    done = (
        f"{cases.cases} cases agree on {' and '.join(cases.engines)}; {covered.tests} Rego tests pass; "
        f"coverage {covered.permille / 10:.1f} %."
    )
    complaints = (*cases.complaints, *covered.complaints)
    if form in _REPORTS and not as_json:
        report = test_report(placed_cases(folder), complaints, done)
        show_report(report, form, root=folder.as_posix(), out=out)
    return _verdict(complaints, done, chosen(form, as_json=as_json), out)


@app.command("build")
def build_folder(
    folder: Folder = Path("policies"),
    out: Annotated[Path, typer.Option("--out", help="Where the bundles go.")] = Path("build/policy"),
    sign: Annotated[bool, typer.Option("--sign", help="Sign them, to be uploaded to a gateway.")] = False,
    key_file: policy_ship.KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Compile both bundles (WASM and Rego) of a folder; the same sources give the same digest."""
    from gateway.workbench.build import build

    signer = policy_ship.signer_of(key_file) if sign or key_file else None
    with errors.status("Building …"):
        built = build(folder, out, signer)
    shown = {
        "digest": built.digest,
        "revision": built.revision,
        "wasm_sha256": built.wasm_sha256,
        "wasm_bundle": str(built.wasm_bundle),
        "rego_bundle": str(built.rego_bundle),
        "rules": len(built.cards),
        "signed_by": signer.key_id if signer else "",
    }
    if as_json:
        print_json(shown)
        return
    print_table("Policy", ("what", "value"), shown.items())


def _tell_of_exceptions(folder: Path) -> None:
    """Warn of exceptions that have ended, end soon or excuse too much, and of a roster nobody can approve with."""
    from gateway.adapters.clock import SystemClock
    from gateway.workbench.data_files import policy_data
    from gateway.workbench.exceptions import exception_warnings
    from gateway.workbench.packs import advice

    try:
        data = policy_data(folder)
    except SettingsError:
        return  # it is a complaint of the check already
    for warned in exception_warnings(data.exceptions, SystemClock().now_ms()):
        errors.print(plain(f"Warning: {warned.problem}; {warned.remedy}."), style="yellow")
    for sentence in advice(data):
        errors.print(plain(f"Warning: {sentence}"), style="yellow")


def _verdict(complaints: "Sequence[Complaint]", done: str, form: Format, out: Path | None) -> int:
    """Tell complaints as JSON or a table, unless a report has told them already."""
    if form is Format.JSON:
        put(json_text([c.model_dump() for c in complaints]), out)
    elif form is Format.TABLE and complaints:
        rows = ((f"{c.file}:{c.line}", c.problem, c.remedy) for c in complaints)
        print_table(f"{len(complaints)} complaints", ("where", "what", "write instead"), rows)
    elif form is Format.TABLE:
        console.print(plain(done), style="green")
    return Exit.ERROR if complaints else Exit.DONE
