"""`loopgate doctor`: what is missing before agents can work."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.terminal import Exit, print_json, print_table


def doctor(
    home: Annotated[
        Path, typer.Option("--home", envvar="LOOPGATE_HOME", help="Keys, database, mirrors.")
    ] = Path(".loopgate"),
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> int:
    """Check keys, log, policy, GitLab, Jira and the roster, and change nothing; exit code 1 when something is missing."""
    checks = asyncio.run(_checks(home))
    ok = all(c["ok"] for c in checks)
    if as_json:
        print_json(checks)
    else:
        marks = {True: Text("ok", style="green"), False: Text("missing", style="red")}
        print_table(
            "Doctor",
            ("check", "state", "what to do"),
            ((c["name"], marks[bool(c["ok"])], c["detail"]) for c in checks),
        )
    return Exit.DONE if ok else Exit.ERROR


async def _checks(home: Path) -> list[dict[str, object]]:
    from gateway.app import open_gateway
    from gateway.settings import load_settings

    async with open_gateway(load_settings(home), looking=True) as gateway:
        probes = await gateway.examine()
    return [{"name": name, **readiness.model_dump()} for name, readiness in probes.items()]
