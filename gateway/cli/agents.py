"""`loopgate agents`: the roster's agents and their tokens."""

import shlex
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gateway.cli.roster_files import add_entry, listed, read_entries
from gateway.cli.session import AsJson, ConfigFolder, default_config, run_as_person
from gateway.cli.terminal import console, moment, plain, print_json, print_table
from gateway.core.principals import Tier

app = typer.Typer(no_args_is_help=True, help="Agents of the roster and their tokens.")
Policies = Annotated[Path, typer.Option("--policies", help="The policy checkout.")]


@app.command("add")
def add(
    agent: Annotated[str, typer.Argument(help="Its id, `agt_…`.")],
    owner: Annotated[str, typer.Option(help="The person it acts for, `prn_…`.")],
    tier: Annotated[Tier, typer.Option(help="The highest it may ever have.")] = Tier.CONTRIBUTOR,
    grant: Annotated[list[str] | None, typer.Option(help="Grants by name.")] = None,
    project: Annotated[list[str] | None, typer.Option(help="Project globs, `shop/*` or `jira:SHOP`.")] = None,
    policies: Policies = Path("policies"),
    as_json: AsJson = False,
) -> None:
    """Write an agent into the roster; it counts once that policy is in force."""
    entry: dict[str, Any] = {
        "id": agent,
        "owner": owner,
        "tier": tier.value,
        "grants": grant or [],
        "projects": project or [],
    }
    path = add_entry(policies, "agents", entry)
    if as_json:
        print_json({"written": str(path), "entry": entry})
        return
    console.print(
        plain(f"Written to {path}. Restart `loopgate serve` to bring this policy into force, then run")
    )
    console.print(
        plain(
            f"  loopgate agents token {agent} "
            + " ".join(f"--project {shlex.quote(p)}" for p in project or ["…"])
        )
    )


@app.command("list")
def list_agents(policies: Policies = Path("policies"), as_json: AsJson = False) -> None:
    """The agents of a policy checkout."""
    entries = read_entries(policies, "agents")
    if as_json:
        print_json(entries)
        return
    rows = (
        (e["id"], e.get("owner"), e.get("tier"), listed(e.get("grants")), listed(e.get("projects")))
        for e in entries
    )
    print_table("Agents", ("id", "owner", "tier", "grants", "projects"), rows)


@app.command("token")
def token(
    agent: Annotated[str, typer.Argument(help="Its id, `agt_…`.")],
    project: Annotated[list[str], typer.Option(help="Project globs, `shop/*` or `jira:SHOP`.")],
    action_type: Annotated[list[str] | None, typer.Option(help="Action type globs; all by default.")] = None,
    door: Annotated[Literal["rest", "mcp", "git"], typer.Option(help="The one door it opens.")] = "rest",
    days: Annotated[int, typer.Option(min=1, max=366)] = 30,
    config: ConfigFolder = default_config(),
    as_json: AsJson = False,
) -> None:
    """Make a token; it is shown once."""
    request = {
        "projects": project,
        "action_types": action_type or ["*"],
        "door": door,
        "lifetime_s": days * 86400,
    }
    made = run_as_person(config, lambda signed: signed.client.issue_token(agent, request))
    if as_json:
        print_json(made)
        return
    console.print(
        plain(
            f"Token {made['id']} of {agent}, good until {moment(made['expires_ms'])} UTC. It is shown this once:"
        )
    )
    console.print(plain(f"export LOOPGATE_TOKEN={made['secret']}"))
