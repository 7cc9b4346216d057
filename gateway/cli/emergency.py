"""`loopgate stop` and `loopgate lift`: the emergency brake."""

from typing import Annotated, Literal

import typer

from gateway.cli.session import AsJson, ConfigFolder, default_config, run_as_person
from gateway.cli.terminal import console, plain, print_json

Scope = Literal["everything", "agent", "project", "action_type"]


def stop(
    reason: Annotated[str, typer.Option("--reason", prompt="Reason", help="Why; it becomes evidence.")],
    scope: Annotated[Scope, typer.Argument(help="What to stop.")] = "everything",
    value: Annotated[str, typer.Argument(help="Which agent, project or action type.")] = "",
    config: ConfigFolder = default_config(),
    as_json: AsJson = False,
) -> None:
    """Stop everything, one agent, one project or one action type, at once."""
    engaged = run_as_person(config, lambda signed: signed.client.stop(scope, value, reason))
    if as_json:
        print_json(engaged)
        return
    console.print(
        plain(
            f"Stopped: {scope} {value}".rstrip()
            + f" ({engaged['id']}). Lift it with `loopgate lift {engaged['id']}`."
        )
    )


def lift(
    stop_id: str,
    reason: Annotated[str, typer.Option("--reason", prompt="Reason", help="Why; the two operators read it.")],
    config: ConfigFolder = default_config(),
    as_json: AsJson = False,
) -> None:
    """Ask two other operators to lift a stop."""
    asked = run_as_person(config, lambda signed: signed.client.lift(stop_id, reason))
    if as_json:
        print_json(asked)
        return
    ticket = (asked["ticket"] or {}).get("id", "")
    console.print(
        plain(
            f"Two operators other than you are asked; {stop_id} stays in force until both have approved: "
            f"`loopgate tickets approve {ticket}`."
        )
    )
