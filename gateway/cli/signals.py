"""`loopgate signals import`: reports of scanners into the gateway."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.session import DEFAULT_URL, AsJson, ConfigFolder, Url, default_config, run_as_caller
from gateway.cli.terminal import print_json, print_table
from gateway.core.errors import MalformedError

app = typer.Typer(no_args_is_help=True, help="Import scanner reports.")


@app.callback()
def signals() -> None:
    """Import scanner reports."""


@app.command("import")
def import_report(
    file: Annotated[Path, typer.Argument(help="A Trivy JSON report.")],
    project: Annotated[str, typer.Option("--project", help="GitLab project the report is about.")],
    tracker: Annotated[str, typer.Option("--tracker", help="Jira project key for the work items.")],
    url: Url = DEFAULT_URL,
    config: ConfigFolder = default_config(),
    as_json: AsJson = False,
) -> None:
    """Import a Trivy report: findings are grouped by package and become work items."""
    try:
        report = file.read_bytes()
    except OSError as error:
        raise MalformedError(f"{file} cannot be read: {error.strerror}.") from error
    made = run_as_caller(
        url, config, lambda client: client.import_trivy(report, project=project, tracker=tracker)
    )
    if as_json:
        print_json(made)
        return
    rows = (
        (w["id"], w["issue"], w["severity"], w["findings"], w["title"], w["trace"]) for w in made["items"]
    )
    print_table("Work items", ("id", "issue", "severity", "findings", "title", "trace"), rows)
