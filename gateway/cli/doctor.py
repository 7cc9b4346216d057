"""`loopgate doctor`: what is missing before agents can work."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.terminal import Exit, print_json, print_table

_MARKS = {
    "ok": Text("ok", style="green"),
    "warn": Text("warn", style="yellow"),
    "fail": Text("fail", style="bold red"),
    "missing": Text("missing", style="red"),
}


def doctor(
    home: Annotated[
        Path, typer.Option("--home", envvar="LOOPGATE_HOME", help="Keys, database, mirrors.")
    ] = Path(".loopgate"),
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> int:
    """Check keys, log, policy, GitLab, Jira and the roster, and change nothing; exit code 1 when something must be done.

    In GitLab it looks at the two accounts and at each project of the catalogue for ways past the gateway.
    """
    checks = asyncio.run(_checks(home))
    ok = all(c["ok"] for c in checks)
    if as_json:
        print_json(checks)
    else:
        print_table(
            "Doctor",
            ("check", "state", "what to do"),
            ((c["name"], _MARKS[str(c["state"])], c["detail"]) for c in checks),
        )
    return Exit.DONE if ok else Exit.ERROR


async def _checks(home: Path) -> list[dict[str, object]]:
    from gateway.app import open_gateway
    from gateway.app.forge_review import forge_review
    from gateway.settings import load_settings

    async with open_gateway(load_settings(home), looking=True) as gateway:
        probes, verdicts = await gateway.examine(), await forge_review(gateway)
    missing = {True: "ok", False: "missing"}
    return [
        *({"name": name, **r.model_dump(), "state": missing[r.ok]} for name, r in probes.items()),
        *(
            {
                "name": f"gitlab: {v.place}: {v.subject}",
                "ok": v.grade != "fail",
                "detail": v.detail,
                "state": v.grade.value,
            }
            for v in verdicts
        ),
    ]
