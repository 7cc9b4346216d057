"""`loopgate people`: the roster's people and their invitations."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.roster_files import add_entry, listed, read_entries
from gateway.cli.session import AsJson, ConfigFolder, default_config, run_as_person
from gateway.cli.terminal import console, plain, print_json, print_table
from gateway.core.principals import Role

app = typer.Typer(no_args_is_help=True, help="People of the roster.")
Policies = Annotated[Path, typer.Option("--policies", help="The policy checkout.")]


class PersonRole(StrEnum):
    """What a person may do at the doors."""

    APPROVER = Role.APPROVER.value
    POLICY_AUTHOR = Role.POLICY_AUTHOR.value
    AUDITOR = Role.AUDITOR.value
    OPERATOR = Role.OPERATOR.value


@app.command("add")
def add(
    person: Annotated[str, typer.Argument(help="An id that says nothing of the person, `prn_…`.")],
    role: Annotated[
        list[PersonRole] | None, typer.Option(help="What they may do; approver by default.")
    ] = None,
    approves_as: Annotated[
        list[str] | None, typer.Option(help="service-owner, release-manager, platform …")
    ] = None,
    policies: Policies = Path("policies"),
    as_json: AsJson = False,
) -> None:
    """Write a person into the roster; names and e-mail addresses do not belong there."""
    roles = [r.value for r in role or ()] or [Role.APPROVER.value]
    entry = {"id": person, "roles": roles, "approves_as": approves_as or []}
    path = add_entry(policies, "people", entry)
    if as_json:
        print_json({"written": str(path), "entry": entry})
        return
    console.print(
        plain(f"Written to {path}. Restart `loopgate serve`, then run `loopgate people invite {person}`.")
    )


@app.command("list")
def list_people(policies: Policies = Path("policies"), as_json: AsJson = False) -> None:
    """The people of a policy checkout."""
    entries = read_entries(policies, "people")
    if as_json:
        print_json(entries)
        return
    rows = ((e["id"], listed(e.get("roles")), listed(e.get("approves_as"))) for e in entries)
    print_table("People", ("id", "roles", "approves as"), rows)


@app.command("invite")
def invite(
    person: str,
    name: Annotated[str, typer.Option(help="Kept as an erasable row, never in the log.")] = "",
    email: Annotated[str, typer.Option(help="Same.")] = "",
    config: ConfigFolder = default_config(),
    as_json: AsJson = False,
) -> None:
    """A one-time code with which that person registers a vote key."""
    code = run_as_person(config, lambda signed: signed.client.invite(person, name=name, email=email))
    if as_json:
        print_json({"person": person, "code": code})
        return
    console.print(plain(f"Give this to {person}; it works once: loopgate login {code}"))
