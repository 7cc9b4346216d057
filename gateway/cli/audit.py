"""`loopgate audit`: exporting and verifying evidence, reading events."""

from pathlib import Path
from typing import Annotated

import typer

from audit.verify import main as verify_main
from gateway.cli.session import DEFAULT_URL, AsJson, ConfigFolder, Url, default_config, run_as_caller
from gateway.cli.terminal import console, moment, plain, print_fields, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="The signed evidence.")


@app.command("verify")
def verify(
    bundle: Annotated[Path, typer.Argument(help="An evidence bundle.")],
    key: Annotated[
        list[str], typer.Option("--key", help="The log's verifier key (vkey), from outside the bundle.")
    ],
    event_key: Annotated[
        list[Path] | None, typer.Option("--event-key", help="A trusted event key, PEM.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Check every signature, hash and proof of a bundle offline; says the first thing that is wrong."""
    arguments = [str(bundle)]
    for vkey in key:
        arguments += ["--key", vkey]
    for path in event_key or []:
        arguments += ["--event-key", str(path)]
    return verify_main([*arguments, "--json"] if as_json else arguments)


@app.command("export")
def export(
    into: Annotated[Path, typer.Argument(help="The file to write.")],
    first: Annotated[int, typer.Option("--from", min=0, help="First leaf index.")] = 0,
    end: Annotated[
        int | None, typer.Option("--to", min=1, help="One past the last leaf index; all by default.")
    ] = None,
    url: Url = DEFAULT_URL,
    config: ConfigFolder = default_config(),
    as_json: AsJson = False,
) -> None:
    """Export a range of the log as a bundle that verifies offline."""
    size = run_as_caller(url, config, lambda client: client.bundle(into, first=first, end=end))
    if as_json:
        print_json({"written": str(into), "bytes": size})
        return
    console.print(plain(f"{into}: {size} bytes. Verify it with `loopgate audit verify {into} --key VKEY`."))


@app.command("events")
def events(
    url: Url = DEFAULT_URL,
    config: ConfigFolder = default_config(),
    subject: Annotated[str | None, typer.Option(help="An action, ticket or other id.")] = None,
    event_type: Annotated[str | None, typer.Option("--type")] = None,
    after: Annotated[int | None, typer.Option(help="Only events after this index.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: AsJson = False,
) -> None:
    """Events in log order."""
    filters = {"subject": subject, "type": event_type, "after": after, "limit": limit}
    page = run_as_caller(url, config, lambda client: client.events(**filters))
    if as_json:
        print_json(page)
        return
    rows = ((e["index"], moment(e["time_ms"]), e["type"], e["subject"]) for e in page["items"])
    print_table("Events", ("index", "time (UTC)", "type", "subject"), rows)


@app.command("keys")
def keys(url: Url = DEFAULT_URL, config: ConfigFolder = default_config(), as_json: AsJson = False) -> None:
    """The log's verifier key and the event keys, to be pinned outside."""
    known = run_as_caller(url, config, lambda client: client.keys())
    if as_json:
        print_json(known)
        return
    print_fields({"vkey": known["vkey"]})
    print_table("Event keys", ("id", "public key"), known["event_keys"].items())
