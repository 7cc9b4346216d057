"""`loopgate policy new`: the folder of a new rule."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.terminal import console, plain


def new(
    name: Annotated[str, typer.Argument(metavar="TEAM/RULE", help="Whose rule it is, and its name.")],
    folder: Annotated[Path, typer.Argument(help="The policy folder.")] = Path("policies"),
    title: Annotated[str | None, typer.Option("--title", help="What the rule is called.")] = None,
) -> None:
    """Write a rule, its test, its cases and its METADATA; they pass check and test as they are."""
    from gateway.workbench.new_rule import new_rule

    made = new_rule(folder, name, title)
    console.print(plain(f"{made.code} is in {made.folder}: {', '.join(made.files)}."), style="green")
    console.print(plain(f"Change it, then: loopgate policy check {folder}; loopgate policy test {folder}"))
