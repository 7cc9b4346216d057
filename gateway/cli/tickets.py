"""`loopgate tickets`: reading questions and answering them with a signature."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gateway.cli.actions import show_findings
from gateway.cli.session import AsJson, ConfigFolder, Signed, default_config, run_as_person
from gateway.cli.terminal import console, moment, plain, print_fields, print_json, print_table
from gateway.client.vote_keys import sign_vote

app = typer.Typer(no_args_is_help=True, help="Read tickets and vote.")
Reason = Annotated[
    str, typer.Option("--reason", help="Why; it becomes part of the evidence.", prompt="Reason")
]
Digest = Annotated[
    str | None,
    typer.Option("--digest", help="The question digest you read; refused when it has changed since."),
]


@app.command("list")
def list_tickets(
    config: ConfigFolder = default_config(),
    everything: Annotated[bool, typer.Option("--all", help="Also those that do not wait for you.")] = False,
    as_json: AsJson = False,
) -> None:
    """The tickets that wait for you."""
    page = run_as_person(config, lambda signed: signed.client.tickets(mine=not everything))
    if as_json:
        print_json(page)
        return
    rows = (
        (t["id"], t["state"], (t["action"] or {}).get("type"), _subject(t), moment(t["expires_ms"]))
        for t in page["items"]
    )
    print_table("Tickets", ("id", "state", "action", "about", "open until (UTC)"), rows)


@app.command("show")
def show(
    ticket_id: str,
    config: ConfigFolder = default_config(),
    web: Annotated[
        Path | None, typer.Option("--web", help="Write the HTML page to this file instead.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """One ticket: the question, what it reaches, who may answer."""
    if web:
        web.write_text(
            run_as_person(config, lambda signed: signed.client.ticket_page(ticket_id)), encoding="utf-8"
        )
        console.print(plain(f"Written to {web}; open it in a browser."))
        return
    ticket = run_as_person(config, lambda signed: signed.client.ticket(ticket_id))
    print_json(ticket) if as_json else show_ticket(ticket)


@app.command("approve")
def approve(
    ticket_id: str,
    reason: Reason,
    config: ConfigFolder = default_config(),
    digest: Digest = None,
    as_json: AsJson = False,
) -> None:
    """Say yes, with a signature over exactly this question."""
    _tell("approve", _vote("approve", ticket_id, reason, config, digest), as_json=as_json)


@app.command("reject")
def reject(
    ticket_id: str,
    reason: Reason,
    config: ConfigFolder = default_config(),
    digest: Digest = None,
    as_json: AsJson = False,
) -> None:
    """Say no; a no is final for this question."""
    _tell("reject", _vote("reject", ticket_id, reason, config, digest), as_json=as_json)


def show_ticket(ticket: dict[str, Any]) -> None:
    """A ticket as people read it."""
    action = ticket["action"] or {}
    print_fields(
        {
            "ticket": ticket["id"],
            "state": ticket["state"],
            "asks": action.get("type"),
            "agent": action.get("agent"),
            "for": action.get("on_behalf_of"),
            "intent (agent's words)": action.get("intent"),
            "open until": moment(ticket["expires_ms"]),
            "question digest": ticket["question_digest"],
            "may not vote": ", ".join(ticket["excluded"]),
        }
    )
    print_table("What exactly", ("what", "value"), sorted(ticket["question"]["subject"].items()))
    reach = ((k, v) for k, v in sorted(ticket["question"]["reach"].items()) if v not in ([], False, None))
    print_table("What it reaches", ("what", "value"), reach)
    show_findings(ticket)
    rows = (
        (c["count"], " or ".join(c["any_of_roles"]), c["for_service"], c["assurance"])
        for c in ticket["clauses"]
    )
    print_table("An approval must contain", ("people", "role", "of service", "proven by"), rows)
    votes = ((v["voter"], v["answer"], v["assurance"], v["reason"]) for v in ticket["votes"])
    print_table("Votes", ("who", "answer", "proven by", "reason"), votes)
    if ticket["changed"]:
        changes = ((k, v["before"], v["after"]) for k, v in ticket["changed"].items())
        print_table("What changed since the last ticket", ("what", "before", "after"), changes)


def _vote(
    answer: Literal["approve", "reject"], ticket_id: str, reason: str, config: Path, digest: str | None
) -> dict[str, Any]:
    return run_as_person(config, lambda signed: _cast(signed, answer, ticket_id, reason, digest))


def _tell(answer: str, ticket: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(ticket)
        return
    console.print(plain(f"{answer} recorded for {ticket['id']}; the ticket is {ticket['state']}."))


async def _cast(
    signed: Signed, answer: Literal["approve", "reject"], ticket_id: str, reason: str, digest: str | None
) -> dict[str, Any]:
    question = digest or (await signed.client.ticket(ticket_id))["question_digest"]
    signature = sign_vote(
        signed.key, ticket=ticket_id, question_digest=question, answer=answer, reason=reason
    )
    assertion = {"method": "signed", "key_id": signed.profile.key_id, "signature": signature}
    ballot = {"answer": answer, "question_digest": question, "reason": reason, "assertion": assertion}
    return await signed.client.vote(ticket_id, ballot)


def _subject(ticket: dict[str, Any]) -> str:
    target = (ticket["action"] or {}).get("target", {})
    return " ".join(str(v) for k, v in target.items() if k != "system")
