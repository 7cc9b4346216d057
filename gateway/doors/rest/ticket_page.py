"""The read-only HTML page of a ticket. It holds no form: there is no vote by GET, and none from this page."""

from datetime import UTC, datetime
from html import escape
from typing import Any

from gateway.core.text import show
from gateway.doors.rest.documents import TicketDocument

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--dim:#777}
body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.05rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line)}
th{font-weight:600;width:12rem}code{font:14px ui-monospace,monospace;overflow-wrap:anywhere}
.state{display:inline-block;padding:.1rem .6rem;border:1px solid var(--line);border-radius:1rem;font-size:.9rem}
.dim{color:var(--dim)}.agent{white-space:pre-wrap;border-left:3px solid var(--line);padding-left:.75rem}
"""


def html_of(ticket: TicketDocument) -> str:
    """The page as a whole HTML document; every value is escaped, control characters are shown."""
    body = "".join(
        (
            f"<h1>{_text(_title(ticket))}</h1>",
            _standing(ticket),
            _section("Who asks", _who(ticket)),
            _section("What exactly", _table(ticket.question["subject"])),
            _section("What it reaches", _table(ticket.question["reach"])),
            _section("Why people are asked", _findings(ticket)),
            _section("What an approval must contain", _clauses(ticket)),
            _section("Votes", _votes(ticket)),
            _section("What changed since the last ticket", _table(ticket.changed)) if ticket.changed else "",
            _section("Answer", _answer(ticket)),
        )
    )
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{_text(ticket.id)}</title>'
    return (
        f'<!doctype html><html lang="en"><head>{head}<style>{_STYLE}</style></head><body>{body}</body></html>'
    )


def _standing(ticket: TicketDocument) -> str:
    until = f"{_text(ticket.id)} · open until {_time(ticket.expires_ms)}"
    return f'<p><span class="state">{_text(ticket.state)}</span> <span class="dim">{until}</span></p>'


def _text(value: Any) -> str:
    return escape(show(str(value)))


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _title(ticket: TicketDocument) -> str:
    action = ticket.action or {}
    target = action.get("target", {})
    where = target.get("project", "")
    what = f"!{target['merge_request']}" if "merge_request" in target else target.get("environment", "")
    return f"{action.get('type', 'action')} {where}{what}".strip()


def _section(title: str, content: str) -> str:
    return f"<h2>{_text(title)}</h2>{content}"


def _who(ticket: TicketDocument) -> str:
    action = ticket.action or {}
    intent = f'<p class="agent">{_text(action.get("intent", ""))}</p><p class="dim">The agent wrote this.</p>'
    rows = {
        "agent": action.get("agent", ""),
        "for": action.get("on_behalf_of", ""),
        "trace": action.get("trace", ""),
    }
    return _table(rows) + (intent if action.get("intent") else "")


def _table(rows: dict[str, Any] | None) -> str:
    if not rows:
        return '<p class="dim">Nothing.</p>'
    cells = "".join(
        f"<tr><th>{_text(k)}</th><td><code>{_value(v)}</code></td></tr>" for k, v in sorted(rows.items())
    )
    return f"<table>{cells}</table>"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_value(v) for v in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{_text(k)} {_value(v)}" for k, v in value.items())
    return "none" if value is None else _text(value)


def _findings(ticket: TicketDocument) -> str:
    rows = "".join(
        f"<tr><th>{_text(f.code)}<br><span class='dim'>{_text(f.severity)}</span></th><td>{_text(f.message)}</td></tr>"
        for f in ticket.findings
    )
    return f"<table>{rows}</table>"


def _clauses(ticket: TicketDocument) -> str:
    items = "".join(
        f"<li>{c.count} of: {_text(' or '.join(c.any_of_roles))}"
        f"{_text(' of ' + c.for_service) if c.for_service else ''}, proven by: {_text(c.assurance.value)}</li>"
        for c in ticket.clauses
    )
    barred = ", ".join(_text(p) for p in ticket.excluded)
    return f'<ul>{items}</ul><p class="dim">May not vote: {barred}.</p>'


def _votes(ticket: TicketDocument) -> str:
    if not ticket.votes:
        return '<p class="dim">None yet.</p>'
    rows = "".join(
        f"<tr><th>{_text(v.voter)}</th><td>{_text(v.answer)} ({_text(v.assurance)}), {_time(v.cast_ms)}<br>"
        f"{_text(v.reason)}</td></tr>"
        for v in ticket.votes
    )
    return f"<table>{rows}</table>"


def _answer(ticket: TicketDocument) -> str:
    command = f'loopgate tickets approve {ticket.id} --reason "…"'
    return (
        f"<p><code>{_text(command)}</code></p>"
        f'<p class="dim">Question digest <code>{_text(ticket.question_digest)}</code>. An approval answers exactly this '
        "question; a <code>reject</code> is final.</p>"
    )
