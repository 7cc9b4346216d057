"""`loopgate break-glass`: emergency rights for an hour at most, confirmed by a second person, reviewed by a third."""

from typing import Annotated, Any, Literal

import typer

from gateway.cli.session import AsJson, ConfigFolder, default_config, run_as_person
from gateway.cli.terminal import console, plain, print_json, print_table

app = typer.Typer(
    name="break-glass", help="Ask one person instead of several, in an emergency.", no_args_is_help=True
)
Scope = Literal["agent", "project", "action_type"]


@app.command("open")
def open_(
    scope: Annotated[Scope, typer.Argument(help="What it is for.")],
    value: Annotated[str, typer.Argument(help="Which agent, project or action type.")],
    ticket: Annotated[str, typer.Option("--ticket", help="The incident, such as SHOP-12.")],
    reason: Annotated[str, typer.Option("--reason", prompt="Reason", help="Why; it becomes evidence.")],
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=60, help="For how long.")] = 60,
    config: ConfigFolder = default_config(),
    as_json: AsJson = False,
) -> None:
    """Open break-glass; it does nothing until a second person confirms it."""
    wanted = {"scope": scope, "value": value, "ticket": ticket, "reason": reason, "minutes": minutes}
    glass = run_as_person(config, lambda signed: signed.client.open_break_glass(wanted))
    _tell(
        glass,
        f"Opened {glass['id']}. A second person confirms it: `loopgate break-glass confirm {glass['id']}`.",
        as_json=as_json,
    )


@app.command()
def confirm(glass_id: str, config: ConfigFolder = default_config(), as_json: AsJson = False) -> None:
    """Put it in force, as somebody other than who opened it."""
    glass = run_as_person(config, lambda signed: signed.client.confirm_break_glass(glass_id))
    said = f"{glass_id} is in force for {glass['minutes']} minutes; its review is due in a day."
    _tell(glass, said, as_json=as_json)


@app.command()
def close(glass_id: str, config: ConfigFolder = default_config(), as_json: AsJson = False) -> None:
    """End it before its time."""
    glass = run_as_person(config, lambda signed: signed.client.close_break_glass(glass_id))
    _tell(glass, f"{glass_id} has ended.", as_json=as_json)


@app.command()
def review(
    glass_id: str,
    finding: Annotated[str, typer.Option("--finding", prompt="Finding", help="What you found.")],
    justified: Annotated[bool, typer.Option("--justified/--not-justified", help="Whether it was right.")],
    config: ConfigFolder = default_config(),
    as_json: AsJson = False,
) -> None:
    """Review one that has ended, as somebody who neither opened nor confirmed it."""
    found = {"justified": justified, "finding": finding}
    glass = run_as_person(config, lambda signed: signed.client.review_break_glass(glass_id, found))
    _tell(glass, f"{glass_id} is reviewed.", as_json=as_json)


@app.command("list")
def list_(config: ConfigFolder = default_config(), as_json: AsJson = False) -> None:
    """Every break-glass, newest first, with what each still lacks."""
    page = run_as_person(config, lambda signed: signed.client.break_glass())
    if as_json:
        print_json(page)
        return
    columns = ("id", "scope", "value", "ticket", "state", "uses", "review")
    print_table("Break-glass", columns, (_row(glass) for glass in page["items"]))


def _row(glass: dict[str, Any]) -> tuple[str, ...]:
    review = "overdue" if glass["overdue"] else "made" if glass["reviewed_by"] else ""
    pending = "due" if glass["review_due"] and not review else review
    plain_columns = ("id", "scope", "value", "ticket", "stands", "uses")
    return (*(str(glass[name]) for name in plain_columns), pending)


def _tell(glass: dict[str, Any], said: str, *, as_json: bool) -> None:
    if as_json:
        print_json(glass)
    else:
        console.print(plain(said))
