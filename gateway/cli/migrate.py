"""`loopgate migrate`: the database in the form that this version needs."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.terminal import console, plain, print_json, print_table


def migrate(
    home: Annotated[
        Path, typer.Option("--home", envvar="LOOPGATE_HOME", help="Keys, database, mirrors.")
    ] = Path(".loopgate"),
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Bring the database to the form this version needs, all of it in one transaction; make a backup first."""
    from gateway.app.upkeep import migrate_home
    from gateway.settings import load_settings

    form, steps = migrate_home(load_settings(home))
    if as_json:
        print_json({"from": form.now, "to": form.needed, "steps": [s._asdict() for s in steps]})
    elif steps:
        print_table(f"Migrated from {form.now} to {form.needed}", ("form", "what changed"), steps)
    else:
        console.print(plain(f"The database has the form {form.now}, which is the newest; nothing was done."))
