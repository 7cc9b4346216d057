"""`loopgate backup`, `restore` and `audit accept-restore`: what a gateway cannot make again."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.terminal import console, plain, print_json

Home = Annotated[Path, typer.Option("--home", envvar="LOOPGATE_HOME", help="Keys, database, mirrors.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder; everything goes in there.")],
    home: Home = Path(".loopgate"),
    keys: Annotated[
        bool, typer.Option("--keys/--no-keys", help="With the private keys, or without them.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Write database, keys and settings into a new folder, also while the gateway serves; the copy is checked."""
    from gateway.app.backup import back_up
    from gateway.settings import load_settings

    done = back_up(load_settings(home), folder, with_keys=keys)
    if as_json:
        print_json({"folder": str(folder), "size": done.size, "root": done.root, "files": done.files})
        return
    console.print(plain(f"{folder}: {done.size} events, root {done.root}, {len(done.files)} files."))
    if keys:
        console.print(plain("The private keys are in it: keep it as safe as the home itself."))


def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that `loopgate backup` wrote.")],
    home: Home = Path(".loopgate"),
    as_json: AsJson = False,
) -> None:
    """Put the database of a backup into a home (SQLite); the database before it is laid aside, not removed."""
    from gateway.app.backup import restore as put_back
    from gateway.settings import load_settings

    aside = put_back(load_settings(home), folder)
    if as_json:
        print_json({"aside": str(aside)})
        return
    console.print(plain(f"The database of {folder} is in place; the one before is {aside}."))
    console.print(
        plain("If events are missing in it, `serve` says so and signs nothing until you accept it.")
    )


def accept_restore(
    by: Annotated[str, typer.Option("--by", help="Your roster id; it becomes evidence.")],
    reason: Annotated[str, typer.Option("--reason", help="What happened to the newer database.")],
    home: Home = Path(".loopgate"),
    as_json: AsJson = False,
) -> None:
    """Go on with a database that is behind what is known outside; the log says so for ever."""
    from gateway.app.restored import accept_restore as accept
    from gateway.settings import load_settings

    done = accept(load_settings(home), by=by, reason=reason)
    if as_json:
        print_json({"before": done.before, "size": done.size, "known": done.known, "root": done.root})
        return
    console.print(
        plain(
            f"Recorded as audit.restored: the log goes on from {done.before} events; {done.known} were known outside, "
            f"with the root {done.root}. Tell your auditor."
        )
    )
