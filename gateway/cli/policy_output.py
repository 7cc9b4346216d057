"""Options that every command of the workbench has in common: the form of its output, and a file for it."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.terminal import console, plain, print_table
from gateway.workbench.formats import Format, Report, rendered

AsFormat = Annotated[
    Format, typer.Option("--format", help="What to print: a table for people, or a form for programs.")
]
AsJson = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
OutFile = Annotated[
    Path | None, typer.Option("--out", help="Write it into this file instead of printing it.")
]


def chosen(form: Format, *, as_json: bool) -> Format:
    """The form asked for; `--json` is an old word for one of them."""
    return Format.JSON if as_json else form


def put(text: str, out: Path | None) -> None:
    """Print a document, or write it into a file."""
    if out is None:
        typer.echo(text, nl=False)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")


def show_report(report: Report, form: Format, *, root: str = "", out: Path | None = None) -> None:
    """A report in the form asked for; as a table, what did not pass, and the summary."""
    if form is not Format.TABLE:
        put(rendered(report, form, root=root), out)
        return
    rows = [
        (f"{o.file}:{o.line}" if o.file else o.name, o.level, o.message, o.remedy)
        for o in report.outcomes
        if o.level != "pass"
    ]
    if rows:
        print_table(report.tool, ("where", "level", "what", "do instead"), rows)
    console.print(plain(report.summary), style="red" if report.failed else "green")
