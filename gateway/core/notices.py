"""What people are told: pure composing of a notice from what happened, and its two dialects.

Text of agents, people and vendors in a notice is quoted: one line, cut short, without secrets, in a code span that it
cannot leave. It commands nothing, mentions nobody, links nowhere, on GitLab, Jira and Slack alike.
"""

from enum import StrEnum
from typing import Any, Final

from gateway.core.actions import Action, Target
from gateway.core.break_glass import BreakGlass
from gateway.core.emergency import Stop
from gateway.core.model import Model
from gateway.core.redaction import redact_text
from gateway.core.text import harmless, show
from gateway.core.tickets import Ticket

MAX_ATTEMPTS: Final = 8
_FIRST_PAUSE_MS: Final = 60_000
_LONGEST_PAUSE_MS: Final = 3_600_000
_LONGEST_QUOTE: Final = 300
_TWO_SLASHES: Final = "/\u2215"
# What makes a word act somewhere, and what is written in its place.
_TAMED: Final = str.maketrans({"@": "\uff20", "`": "\u02cb", "~": "\u02dc", "#": "\uff03", "!": "\uff01"})


class Channel(StrEnum):
    """The ways people are told."""

    COMMENT = "comment"
    WEBHOOK = "webhook"


class Occasion(StrEnum):
    """What people are told about: the event types that cause a notice."""

    OPENED = "approval.opened"
    APPROVED = "approval.approved"
    REJECTED = "approval.rejected"
    EXPIRED = "approval.expired"
    STOPPED = "stop.engaged"
    IN_DOUBT = "action.in_doubt"
    GLASS_BROKEN = "breakglass.confirmed"
    GLASS_USED = "breakglass.used"
    GLASS_OVERDUE = "breakglass.overdue"


class Matter(Model):
    """One thing to be told on one channel. `subject` is the id of the ticket, action or stop it is about.

    `place` is the issue or merge request a comment goes to. `attempts` counts this one; `created_ms` is when it
    happened, in milliseconds since 1970, UTC.
    """

    occasion: Occasion
    subject: str
    channel: Channel
    attempts: int
    created_ms: int
    place: Target | None = None
    action: Action | None = None
    ticket: Ticket | None = None
    stop: Stop | None = None
    glass: BreakGlass | None = None

    @property
    def key(self) -> str:
        """What makes it this notice and no other, on whatever channel and however often it is tried."""
        return f"{self.occasion.value}|{self.subject}"


class Notice(Model):
    """A notice before it has a dialect. `headline`, `advice` and `link` are the gateway's own words.

    `facts` and `quotes` are a label and words that may be anybody's.
    """

    headline: str
    facts: tuple[tuple[str, str], ...] = ()
    quotes: tuple[tuple[str, str], ...] = ()
    advice: str = ""
    link: str = ""


def compose(matter: Matter, base_url: str = "") -> Notice:
    """The notice of a matter; `base_url` is where people reach the gateway, empty when nobody said."""
    if matter.stop:
        return _of_stop(matter.stop)
    if matter.glass:
        return _of_glass(matter.occasion, matter.glass)
    ticket = matter.ticket
    return Notice(
        headline=_headline(matter),
        facts=(*_about(matter.action), *(_asked(ticket) if ticket else ())),
        quotes=_words(matter),
        advice=_advice(matter),
        link=f"{base_url.rstrip('/')}/v1/tickets/{ticket.id}" if base_url and ticket else "",
    )


def as_markdown(notice: Notice) -> str:
    """The notice as a comment for GitLab or Jira."""
    told = [f"- {label}: {quoted(text)}" for label, text in (*notice.facts, *notice.quotes)]
    link = f"<{notice.link}>" if notice.link else ""
    parts = (f"**{notice.headline}**", "\n".join(told), notice.advice, link)
    return "\n\n".join(part for part in parts if part)


def as_slack(notice: Notice) -> dict[str, Any]:
    """The notice as the JSON of an incoming webhook of Slack (`text` for old readers, `blocks` for others)."""
    told = [f"• {label}: {_escaped(quoted(text))}" for label, text in (*notice.facts, *notice.quotes)]
    link = f"<{_escaped(notice.link)}>" if notice.link else ""
    parts = (f"*{_escaped(notice.headline)}*", "\n".join(told), _escaped(notice.advice), link)
    sections = [_section(part) for part in parts if part]
    return {"text": _escaped(notice.headline), "blocks": sections}


def quoted(text: str) -> str:
    """Anybody's words as a code span of one line, in which nothing acts."""
    clean, _ = redact_text(text, "notice")
    # Behind a dash no slash begins a line: only the gateway's marks are taken out here.
    line = harmless("- " + " ".join(show(clean, kept="\n\t").split()))[2:]
    short = line if len(line) <= _LONGEST_QUOTE else f"{line[: _LONGEST_QUOTE - 1]}…"
    return f"`{short.translate(_TAMED).replace('//', _TWO_SLASHES) or '-'}`"


def pause_ms(attempts: int) -> int | None:
    """How long to wait after so many failed attempts; None when that was the last one."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return min(_FIRST_PAUSE_MS << (attempts - 1), _LONGEST_PAUSE_MS)


def place_of_notice(target: Target) -> Target | None:
    """The issue or merge request that a comment about an action on `target` goes to."""
    if target.merge_request is None and target.issue is None:
        return None
    named = {"project": target.project, "issue": target.issue, "merge_request": target.merge_request}
    return Target(system=target.system, **named)


def _headline(matter: Matter) -> str:
    ticket = matter.ticket
    if matter.occasion is Occasion.OPENED and ticket and ticket.predecessor:
        return "Loopgate asks for approval again, because the question has changed."
    return _HEADLINES[matter.occasion]


def _about(action: Action | None) -> tuple[tuple[str, str], ...]:
    if action is None:
        return ()
    aim = ", ".join(f"{k} {v}" for k, v in action.target.compact().items() if k != "system")
    return (("action", f"{action.type.value} ({action.id})"), ("target", aim), ("agent", action.agent))


def _asked(ticket: Ticket) -> tuple[tuple[str, str], ...]:
    clauses = [
        f"{c.count} of {', '.join(c.any_of_roles)}{f' for {c.for_service}' if c.for_service else ''}"
        for c in ticket.asked()
    ]
    changed = ", ".join(sorted(ticket.changed or {}))
    facts = [("ticket", ticket.id), ("asked", "; ".join(clauses) or "nobody")]
    if ticket.predecessor:
        facts.append(("replaces", ticket.predecessor))
    return (*facts, *((("changed", changed),) if changed else ()))


def _words(matter: Matter) -> tuple[tuple[str, str], ...]:
    words = [("intent", matter.action.intent)] if matter.action and matter.action.intent else []
    if matter.occasion is Occasion.REJECTED and matter.ticket:
        words += [(f"{v.voter} said", v.reason) for v in matter.ticket.votes if v.answer == "reject"]
    return tuple(words)


def _advice(matter: Matter) -> str:
    if matter.occasion is Occasion.OPENED:
        return f"Answer with `loopgate tickets show {matter.subject}`. A reply here is not a vote."
    if matter.occasion is Occasion.IN_DOUBT:
        return (
            "The gateway keeps looking. `loopgate actions list --in-doubt` lists what a person must settle."
        )
    return ""


def _of_stop(stop: Stop) -> Notice:
    where = f"{stop.scope} {stop.value}".strip()
    return Notice(
        headline=_HEADLINES[Occasion.STOPPED],
        facts=(("stop", stop.id), ("stopped", where), ("by", stop.by)),
        quotes=(("reason", stop.reason),) if stop.reason else (),
        advice=f"It holds until two operators lift it: `loopgate lift {stop.id}`.",
    )


def _of_glass(occasion: Occasion, glass: BreakGlass) -> Notice:
    people = ", ".join(p for p in (glass.opened_by, glass.confirmed_by) if p)
    where = f"{glass.scope} {glass.value}"
    return Notice(
        headline=_HEADLINES[occasion],
        facts=(("break-glass", glass.id), ("for", where), ("incident", glass.ticket), ("by", people)),
        quotes=(("reason", glass.reason),),
        advice=f"Somebody else reviews it within a day: `loopgate break-glass review {glass.id}`.",
    )


_HEADLINES: Final = {
    Occasion.OPENED: "Loopgate asks for approval.",
    Occasion.APPROVED: "The approval was given.",
    Occasion.REJECTED: "The approval was refused.",
    Occasion.EXPIRED: "Nobody answered in time: the question has expired.",
    Occasion.STOPPED: "An emergency stop is in force.",
    Occasion.IN_DOUBT: "It is not known whether an action happened.",
    Occasion.GLASS_BROKEN: "Break-glass is in force: fewer people are asked.",
    Occasion.GLASS_USED: "An action started on break-glass: fewer people were asked.",
    Occasion.GLASS_OVERDUE: "The review of a break-glass is overdue.",
}


def _escaped(text: str) -> str:
    """The three characters that Slack reads as its own markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
