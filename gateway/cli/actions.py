"""`loopgate act` and `loopgate actions`: proposing and following actions."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.session import DEFAULT_URL, AsJson, ConfigFolder, Url, default_config, run_as_caller
from gateway.cli.terminal import Exit, console, moment, plain, print_fields, print_json, print_table
from gateway.core.actions import ActionState
from gateway.core.errors import MalformedError

app = typer.Typer(no_args_is_help=True, help="List, read and cancel actions.")
_HELD = {"held", "waiting", "requested", "approved", "started"}


def act(
    file: Annotated[
        Path, typer.Argument(help="A JSON file with type, target, params, intent; `-` for standard input.")
    ],
    url: Url = DEFAULT_URL,
    config: ConfigFolder = default_config(),
    key: Annotated[str | None, typer.Option(help="Idempotency key.")] = None,
    wait: Annotated[int, typer.Option(min=0, max=120, help="Seconds to wait for the outcome.")] = 20,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show how it would be judged.")] = False,
    as_json: AsJson = False,
) -> int:
    """Propose an action (exit code 0 done, 3 denied, 4 held or waiting, 5 in doubt)."""
    proposal = read_proposal(file)
    if dry_run:
        ruling = run_as_caller(url, config, lambda client: client.rehearse(proposal))
        return show_ruling(ruling, as_json=as_json)
    document = run_as_caller(url, config, lambda client: client.propose(proposal, key=key, wait_s=wait))
    print_json(document) if as_json else show_action(document)
    return Exit.HELD if document["status"] in _HELD else Exit.DONE


@app.command("list")
def list_actions(
    url: Url = DEFAULT_URL,
    config: ConfigFolder = default_config(),
    status: Annotated[list[ActionState] | None, typer.Option(help="Only these states.")] = None,
    agent: Annotated[str | None, typer.Option()] = None,
    project: Annotated[str | None, typer.Option()] = None,
    trace: Annotated[str | None, typer.Option()] = None,
    in_doubt: Annotated[bool, typer.Option("--in-doubt", help="What may or may not have happened.")] = False,
    as_json: AsJson = False,
) -> None:
    """List actions, newest first."""
    states = [ActionState.IN_DOUBT] if in_doubt else status
    filters = {"status": [s.value for s in states or ()], "agent": agent, "project": project, "trace": trace}
    page = run_as_caller(url, config, lambda client: client.actions(**filters))
    if as_json:
        print_json(page)
        return
    rows = (
        (a["action_id"], a["status"], a["type"], _where(a), a["agent"], moment(a["created_ms"]))
        for a in page["items"]
    )
    print_table("Actions", ("id", "status", "type", "target", "agent", "time (UTC)"), rows)


@app.command("show")
def show(
    action_id: str, url: Url = DEFAULT_URL, config: ConfigFolder = default_config(), as_json: AsJson = False
) -> None:
    """One action: ruling, ticket, outcome, evidence, what to do next."""
    document = run_as_caller(url, config, lambda client: client.action(action_id))
    print_json(document) if as_json else show_action(document)


@app.command("cancel")
def cancel(
    action_id: str, url: Url = DEFAULT_URL, config: ConfigFolder = default_config(), as_json: AsJson = False
) -> None:
    """Withdraw an action that has not started."""
    document = run_as_caller(url, config, lambda client: client.cancel(action_id))
    print_json(document) if as_json else show_action(document)


def read_proposal(file: Path) -> dict[str, Any]:
    """The proposal in a file. Raises `MalformedError` with a sentence."""
    try:
        text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text(encoding="utf-8")
        parsed = json.loads(text)
    except OSError as error:
        raise MalformedError(
            f"{file} cannot be read ({error.strerror}); name a file with the proposal as JSON, or - to read it from standard input."
        ) from error
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"{file} cannot be read as JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise MalformedError(f"{file} must hold a JSON object with type, target and params.")
    return parsed


def show_action(document: dict[str, Any]) -> None:
    """An action as people read it."""
    print_fields(
        {
            "action": document["action_id"],
            "status": document["status"],
            "type": document["type"],
            "target": _where(document),
            "intent": document["intent"],
            "trace": document["trace"],
            "ticket": (document["ticket"] or {}).get("id"),
            "result": document["result"],
            "reason": document["reason"],
            "evidence": ", ".join(str(i) for i in document["evidence"]),
            "next": (document["next"] or {}).get("what"),
        }
    )
    if document["ruling"]:
        show_findings(document["ruling"])


def show_findings(ruling: dict[str, Any]) -> None:
    """The findings of a ruling as a table."""
    rows = (
        (f["code"], f["effect"], f["severity"], f["message"], f["remediation"]) for f in ruling["findings"]
    )
    print_table("Findings", ("code", "effect", "severity", "what", "what helps"), rows)


def show_ruling(ruling: dict[str, Any], *, as_json: bool) -> int:
    """A dry run's ruling, and the exit code it stands for."""
    if as_json:
        print_json(ruling)
    else:
        console.print(plain(f"would be: {ruling['effect']}"))
        show_findings(ruling)
    return {"deny": Exit.DENIED, "require_approval": Exit.HELD}.get(ruling["effect"], Exit.DONE)


def _where(document: dict[str, Any]) -> str:
    target = document["target"]
    parts = [str(target.get("project") or "")]
    parts += [f"!{target['merge_request']}"] if "merge_request" in target else []
    parts += [str(target[name]) for name in ("issue", "branch", "environment", "commit") if name in target]
    return " ".join(p for p in parts if p)
