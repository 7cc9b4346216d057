"""`loopgate policy docs`: a page per rule of any policy folder."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.terminal import console, errors, plain

Folder = Annotated[Path, typer.Argument(help="The policy folder.")]
Out = Annotated[Path, typer.Option("--out", help="Where the pages go.")]


def docs(folder: Folder = Path("policies"), out: Out = Path("build/rules")) -> None:
    """Write a page per rule from its METADATA, parameters and cases, and an index."""
    from gateway.workbench.docs import write_rule_pages

    with errors.status("Writing …"):
        written = write_rule_pages(folder, out)
    console.print(plain(f"{out}: {len(written) - 1} rules and an index (README.md)."))
