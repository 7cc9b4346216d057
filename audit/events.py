"""What the log can hold: the event types, and the CloudEvents leaf an event becomes.

A leaf is the exact bytes that are signed and hashed: a CloudEvents 1.0 object in RFC 8785 form.
It holds ids, codes, counts and digests. Free text, names and addresses go into `private`: the
leaf then holds only their salted digests, and the values stand beside the log where they can be
erased (audit/disclosures.py).
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from audit.canonical import CanonicalError, check_canonical, written
from audit.disclosures import ALGORITHM, RESERVED_NAMES, Disclosure, sealed, unsealed, value_text
from audit.errors import EventError
from audit.model import Model
from audit.remembering import remembered

MAX_LEAF_BYTES = 61_440
"""60 KiB. A tlog-tiles entry may have 65,535 bytes; the difference is room to grow."""

LONG_TEXT = 200
"""A string of a leaf longer than this is taken for free text."""

TYPE_PREFIX = "loopgate."

_LONGEST_ORIGIN = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NONCE = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(r"evt_[0-9A-Za-z_-]{8,64}")
_TEXT_BYTES = (b" ", b"@", b"\\")
_TEXT_SIGNS = re.compile(r"[\s@]")


class EventType(StrEnum):
    """Everything that can be recorded. docs/reference/events.md says when each is."""

    ACTION_REQUESTED = "action.requested"
    ACTION_JUDGED = "action.judged"
    ACTION_DENIED = "action.denied"
    ACTION_HELD = "action.held"
    ACTION_WAITING = "action.waiting"
    ACTION_STARTED = "action.started"
    ACTION_PERFORMED = "action.performed"
    ACTION_REFUSED = "action.refused"
    ACTION_IN_DOUBT = "action.in_doubt"
    ACTION_RECONCILED = "action.reconciled"
    ACTION_STALE = "action.stale"
    ACTION_CANCELLED = "action.cancelled"
    ACTION_EXPIRED = "action.expired"
    APPROVAL_OPENED = "approval.opened"
    APPROVAL_VOTED = "approval.voted"
    APPROVAL_APPROVED = "approval.approved"
    APPROVAL_REJECTED = "approval.rejected"
    APPROVAL_CARRIED = "approval.carried"
    APPROVAL_DRAWN = "approval.drawn"
    APPROVAL_EXPIRED = "approval.expired"
    APPROVAL_STALE = "approval.stale"
    APPROVAL_SPENT = "approval.spent"
    BUDGET_PARKED = "budget.parked"
    STOP_ENGAGED = "stop.engaged"
    STOP_LIFTED = "stop.lifted"
    BREAKGLASS_OPENED = "breakglass.opened"
    BREAKGLASS_CONFIRMED = "breakglass.confirmed"
    BREAKGLASS_USED = "breakglass.used"
    BREAKGLASS_CLOSED = "breakglass.closed"
    BREAKGLASS_OVERDUE = "breakglass.overdue"
    BREAKGLASS_REVIEWED = "breakglass.reviewed"
    POLICY_ACTIVATED = "policy.activated"
    POLICY_ROLLED_BACK = "policy.rolled_back"
    POLICY_UPLOADED = "policy.uploaded"
    POLICY_SEALED = "policy.sealed"
    POLICY_SHADOWED = "policy.shadowed"
    POLICY_DRAFT_USED = "policy.draft_used"
    AGENT_REGISTERED = "agent.registered"
    AGENT_CHANGED = "agent.changed"
    AGENT_SUSPENDED = "agent.suspended"
    AGENT_TIER_CHANGED = "agent.tier_changed"
    PERSON_CHANGED = "person.changed"
    ACCESS_GRANTED = "access.granted"
    ACCESS_REVOKED = "access.revoked"
    ACCESS_REVIEWED = "access.reviewed"
    SESSION_DENIED = "session.denied"
    READ_SENSITIVE = "read.sensitive"
    GIT_FETCHED = "git.fetched"
    INTENT_REPORTED = "intent.reported"
    SIGNAL_RECEIVED = "signal.received"
    WORK_ITEM_OPENED = "work_item.opened"
    WORK_ITEM_CHANGED = "work_item.changed"
    WORK_ITEM_CLOSED = "work_item.closed"
    VERIFICATION_PASSED = "verification.passed"
    VERIFICATION_FAILED = "verification.failed"
    VERIFICATION_SILENT = "verification.silent"
    NOTIFICATION_SENT = "notification.sent"
    NOTIFICATION_FAILED = "notification.failed"
    SETTINGS_CHANGED = "settings.changed"
    CLOCK_SKEWED = "clock.skewed"
    KEY_ADDED = "key.added"
    KEY_ROTATED = "key.rotated"
    KEY_RETIRED = "key.retired"
    AUDIT_REDACTED = "audit.redacted"
    AUDIT_EXPORTED = "audit.exported"
    AUDIT_GAP = "audit.gap"
    AUDIT_RESTORED = "audit.restored"
    LOG_OPENED = "log.opened"
    LOG_SEALED = "log.sealed"


CERTIFYING = frozenset({EventType.LOG_OPENED, EventType.KEY_ADDED, EventType.PERSON_CHANGED})
"""The events whose `data.keys` introduce public keys."""


class Trace(Model):
    """W3C trace context: `trace_id` of 32 and `span_id` of 16 lower-case hex digits."""

    trace_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    span_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class EventDraft(Model):
    """Something to be recorded, before the log gives it a place, a time and a signature.

    `subject` is the id of what it is about (`act_…`, `tkt_…`): printable ASCII without spaces.
    `data` is JSON with ASCII keys and integers only, and never free text, names or addresses.
    `private` maps a name to any JSON value: only its salted digest enters the leaf.
    """

    type: EventType
    subject: Annotated[str, Field(pattern=r"^[!-?A-~]{1,200}$")]
    data: dict[str, Any] = Field(default_factory=dict)
    private: dict[str, Any] = Field(default_factory=dict)
    trace: Trace | None = None


class Stamp(NamedTuple):
    """What the log adds to a draft: event id, UTC milliseconds since 1970, nonce, one salt per private value."""

    event_id: str
    time_ms: int
    nonce: str
    salts: tuple[str, ...]


class Leaf(NamedTuple):
    """The exact bytes that are signed and hashed, and the disclosures that belong to them."""

    body: bytes
    disclosures: tuple[Disclosure, ...]


def leaf_of(draft: EventDraft, origin: str, stamp: Stamp) -> Leaf:
    """Turn a draft into its leaf: CloudEvents 1.0 in RFC 8785 form, plus the disclosures.

    Raises `EventError` when the data cannot be written in canonical form, uses a reserved name,
    or makes a leaf over `MAX_LEAF_BYTES`.
    """
    _check_stamp(stamp)
    disclosures = tuple(
        sealed(salt, name, _private_text(name, value))
        for salt, (name, value) in zip(stamp.salts, draft.private.items(), strict=True)
    )
    return Leaf(_body_of(draft, origin, stamp, disclosures), disclosures)


def check_draft(draft: EventDraft) -> None:
    """Raise `EventError` if the log could not record this draft.

    For callers who queue drafts: one bad draft should fail alone, not the commit it shares. Nothing is hashed for it.
    """
    told = draft.private.items()
    disclosures = tuple(unsealed(name, _private_text(name, value)) for name, value in told)
    stamp = Stamp("evt_" + "0" * 64, 0, "0" * 32, ())
    _body_of(draft, "x" * _LONGEST_ORIGIN, stamp, disclosures)


def _body_of(draft: EventDraft, origin: str, stamp: Stamp, disclosures: tuple[Disclosure, ...]) -> bytes:
    body = _canonical(draft, _cloud_event(draft, origin, stamp, disclosures))
    if len(body) > MAX_LEAF_BYTES:
        raise EventError(
            f"{draft.type} about {draft.subject} makes a leaf of {len(body)} bytes; the limit is "
            f"{MAX_LEAF_BYTES}: record a digest and a size instead, or put the value into private"
        )
    return body


def _check_stamp(stamp: Stamp) -> None:
    if not _ID.fullmatch(stamp.event_id):
        raise EventError(f"{stamp.event_id!r} is not an event id: evt_ and 8 to 64 letters or digits")
    if not _NONCE.fullmatch(stamp.nonce):
        raise EventError("a nonce is 32 lower-case hex digits: 128 bits that nobody can guess")


def _private_text(name: str, value: Any) -> str:
    return _text_of(value) if isinstance(value, dict | list) else value_text(name, value)


@remembered(64)
def _text_of(value: dict[str, Any] | list[Any]) -> str:
    """A private value is written when its draft is checked and again when it is recorded: the text is the same."""
    return value_text("value", value)


def _cloud_event(
    draft: EventDraft, origin: str, stamp: Stamp, disclosures: tuple[Disclosure, ...]
) -> dict[str, Any]:
    """CloudEvents 1.0 section 3.1; `nonce` is an extension attribute (section 3.3)."""
    return {
        "specversion": "1.0",
        "id": stamp.event_id,
        "source": origin,
        "type": TYPE_PREFIX + draft.type,
        "subject": draft.subject,
        "time": rfc3339(stamp.time_ms),
        "datacontenttype": "application/json",
        "nonce": stamp.nonce,
        "data": _data(draft, disclosures),
    }


def _data(draft: EventDraft, disclosures: tuple[Disclosure, ...]) -> dict[str, Any]:
    taken = RESERVED_NAMES | ({"trace"} if draft.trace else set())
    clashes = sorted(draft.data.keys() & (taken | draft.private.keys()))
    if clashes:
        raise EventError(
            f"{draft.type} data may not use the name {clashes[0]!r}: it is reserved or private too"
        )
    data = dict(draft.data)
    if draft.trace:
        data["trace"] = draft.trace.model_dump()
    if disclosures:
        # Sorted, so that the order says nothing about which digest is which (RFC 9901 section 4.2.4.1).
        data["_sd"] = sorted(disclosure.digest for disclosure in disclosures)
        data["_sd_alg"] = ALGORITHM
    return data


def _canonical(draft: EventDraft, event: dict[str, Any]) -> bytes:
    try:
        _check_plain(draft)
        return written(event)
    except CanonicalError as error:
        raise EventError(f"{draft.type} about {draft.subject} cannot be recorded: {error}") from error


@remembered(64)
def _check_plain(draft: EventDraft) -> None:
    """A draft is written when it is checked and again when it is recorded: what it holds is the same.

    It stands in the leaf as deep as here; all else in a leaf is text made by this module.
    """
    check_canonical({"data": draft.data})


def rfc3339(time_ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC with exactly three decimals."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def free_text(document: Any) -> tuple[tuple[str, str], ...]:
    """Strings of a leaf (keys too) that look like free text, names or addresses, with their JSON pointers.

    Free text means longer than `LONG_TEXT` characters, or holding white space or an @. A log that
    keeps its promise to people gives the empty tuple for every leaf.
    """
    return tuple((pointer, text) for pointer, text in _strings(document, "") if _looks_like_text(text))


def has_no_text(canonical: bytes) -> bool:
    """Whether a value in canonical form is certain to hold no free text; what is not certain is for `free_text`.

    Canonical JSON has no blanks between its tokens, so a blank is a text's; and what stands between two quotation
    marks is no shorter than a text.
    """
    plain = canonical.isascii() and not any(sign in canonical for sign in _TEXT_BYTES)
    return plain and max(map(len, canonical.split(b'"'))) <= LONG_TEXT


def _looks_like_text(text: str) -> bool:
    return len(text) > LONG_TEXT or _TEXT_SIGNS.search(text) is not None


def _strings(item: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(item, str):
        yield pointer, item
    elif isinstance(item, dict):
        for key, value in item.items():
            below = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            yield below, key
            yield from _strings(value, below)
    elif isinstance(item, (list, tuple)):
        for position, value in enumerate(item):
            yield from _strings(value, f"{pointer}/{position}")
