"""`loopgate policy`: what policy authors run on a checkout; needs no gateway."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import policy_explain, policy_mutate, policy_new, policy_replay, policy_shadow, policy_ship
from gateway.cli.terminal import Exit, console, errors, plain, print_json, print_table

if TYPE_CHECKING:
    from gateway.workbench.complaints import Complaint

app = typer.Typer(no_args_is_help=True, help="Write, check, test and build policies.")
app.command("mutate")(policy_mutate.mutate)
app.command("new")(policy_new.new)
app.command("replay")(policy_replay.replay)
app.command("explain")(policy_explain.explain)
app.command("shadow")(policy_shadow.shadow)
app.command("exceptions")(policy_shadow.exceptions)
policy_ship.register(app)
Folder = Annotated[Path, typer.Argument(help="The policy folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command("check")
def check_folder(folder: Folder = Path("policies"), as_json: AsJson = False) -> int:
    """Format, types, capabilities, the fail-open lint, fact paths, METADATA, ownership, registry."""
    from gateway.workbench.check import check

    with errors.status("Checking …"):
        complaints = check(folder)
    return _verdict(complaints, f"{folder} passes every check.", as_json=as_json)


@app.command("test")
def run_tests(folder: Folder = Path("policies"), as_json: AsJson = False) -> int:
    """Every case on both engines, byte for byte; every Rego test; every line reached."""
    from gateway.workbench.case_runs import run_cases
    from gateway.workbench.coverage import coverage

    with errors.status("Judging every case on both engines …"):
        cases = asyncio.run(run_cases(folder))
    with errors.status("Measuring coverage …"):
        covered = coverage(folder)
    done = (
        f"{cases.cases} cases agree on {' and '.join(cases.engines)}; {covered.tests} Rego tests pass; "
        f"coverage {covered.permille / 10:.1f} %."
    )
    return _verdict((*cases.complaints, *covered.complaints), done, as_json=as_json)


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


def _verdict(complaints: "Sequence[Complaint]", done: str, *, as_json: bool) -> int:
    if as_json:
        print_json([c.model_dump() for c in complaints])
    elif complaints:
        rows = ((f"{c.file}:{c.line}", c.problem, c.remedy) for c in complaints)
        print_table(f"{len(complaints)} complaints", ("where", "what", "write instead"), rows)
    else:
        console.print(plain(done), style="green")
    return Exit.ERROR if complaints else Exit.DONE
