"""People's and agents' hands on what is stored: reading, voting, cancelling; and what ends by itself."""

from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, insert, or_, select

from audit import tables as audit_tables
from audit.events import EventType
from gateway.adapters.store import events, history, queries, rows, tables
from gateway.adapters.store.expiry import expire
from gateway.adapters.store.fork_guard import ForkGuard
from gateway.adapters.store.prepared import Prepared
from gateway.adapters.store.reader import Reader
from gateway.adapters.store.sessions import DeniedSessions
from gateway.adapters.store.skew import ClockSkew
from gateway.adapters.store.sources import StoreSources
from gateway.adapters.store.steps import stored
from gateway.adapters.store.transitions import close_tickets, move, move_ticket
from gateway.adapters.store.unit import Unit
from gateway.adapters.store.writer import Writer
from gateway.core.actions import LIFE_CYCLE, ActionState
from gateway.core.errors import ConflictError, NotFoundError, OutOfScopeError
from gateway.core.listings import ActionFilter
from gateway.core.recorded import RecordedRuling, RulingFilter
from gateway.core.rulings import Assurance, Ruling
from gateway.core.tickets import Bench, Ticket, TicketState, Vote, outcome_of, refuse_vote
from gateway.core.vote_proof import verify_vote
from gateway.ports import ActionRecord

_leaf = audit_tables.leaves.c
_RULING = Prepared(select(tables.rulings.c.body).where(tables.rulings.c.id == bindparam("wanted")))
_TICKETS_OF = select(tables.tickets.c.id).where(tables.tickets.c.action_id == bindparam("of_action"))
_LEAVES_ABOUT = Prepared(
    select(_leaf.leaf_index)
    .where(or_(_leaf.subject == bindparam("of_action"), _leaf.subject.in_(_TICKETS_OF)))
    .order_by(_leaf.leaf_index)
)
_CANCELLABLE = frozenset(s for s in ActionState if ActionState.CANCELLED in LIFE_CYCLE[s])


class SqlDesk:
    """What is stored about actions, rulings and tickets."""

    def __init__(
        self,
        writer: Writer,
        reader: Reader,
        sources: StoreSources,
        sessions: DeniedSessions,
        guard: ForkGuard,
    ) -> None:
        self._writer, self._reader, self._sources, self._sessions = writer, reader, sources, sessions
        self._guard = guard
        self._skew = ClockSkew(writer)

    async def action(self, action_id: str) -> ActionRecord | None:
        """The stored action of that id."""
        return await self._reader.brief(lambda connection: queries.action(connection, action_id))

    async def actions(
        self, wanted: ActionFilter, *, after: str | None, limit: int
    ) -> tuple[ActionRecord, ...]:
        """Actions that match, newest first; `after` is the last id of the page before."""
        query = _matching(wanted, after).limit(limit)
        return await self._reader.run(lambda c: tuple(rows.record_of(r) for r in c.execute(query)))

    async def ruling(self, ruling_id: str) -> Ruling | None:
        """A ruling by its id."""
        row = await self._reader.brief(lambda c: _RULING.first(c, {"wanted": ruling_id}))
        return rows.ruling_of(row) if row is not None else None

    async def rulings(
        self, wanted: RulingFilter, *, after: str | None, limit: int
    ) -> tuple[RecordedRuling, ...]:
        """Recorded rulings that match, oldest first; `after` is the last id of the page before."""
        return await self._reader.run(lambda c: history.rulings(c, wanted, after=after, limit=limit))

    async def policy_input(self, ruling_id: str) -> dict[str, Any] | None:
        """The document a ruling was made on, exactly as the engine saw it."""
        query = select(tables.rulings.c.document).where(tables.rulings.c.id == ruling_id)
        text = await self._reader.run(lambda connection: connection.execute(query).scalar())
        return rows.load(text) if text is not None else None

    async def ticket(self, ticket_id: str) -> Ticket | None:
        """A ticket with its votes."""
        return await self._reader.brief(lambda connection: queries.ticket(connection, ticket_id))

    async def tickets(self, *, open_only: bool, after: str | None, limit: int) -> tuple[Ticket, ...]:
        """Tickets, newest first; `after` is the last id of the page before."""
        return await self._reader.run(lambda c: _tickets(c, after, limit, open_only=open_only))

    async def evidence_of(self, action_id: str) -> tuple[int, ...]:
        """Indices of the leaves about an action and its tickets, in order."""
        return await self._reader.brief(lambda connection: _evidence_of(connection, action_id))

    async def cast(self, ticket_id: str, vote: Vote) -> Ticket:
        """Count one vote; the ticket afterwards.

        Everything is checked inside the unit. Raises `NotFoundError`, `OutOfScopeError` (`self_approval`,
        `not_eligible`, `bad_assertion`) or `ConflictError` (`ticket_closed`, `ticket_expired`,
        `stale_question`, `already_voted`).
        """
        return await self._writer.run(lambda unit: _cast(unit, ticket_id, vote, self._sources.bench()))

    async def cancel(self, action_id: str, *, by: str) -> None:
        """Withdraw an action that has not started; raises `NotFoundError` or `ConflictError` (`not_cancellable`)."""
        await self._writer.run(lambda unit: _cancel(unit, action_id, by))

    async def expire_due(self, now_ms: int) -> int:
        """Expire tickets and actions whose time is over; record a clock behind, and complete counts. How many actions."""
        await self._skew.look(now_ms)
        await self._sessions.flush(now_ms)
        await self._guard.keep_up()
        return await self._writer.run(lambda unit: expire(unit, now_ms))


def _matching(wanted: ActionFilter, after: str | None) -> Select[Any]:
    row = tables.actions.c
    named = {"agent": wanted.agent, "owner": wanted.owner, "project": wanted.project, "trace": wanted.trace}
    query = select(tables.actions).order_by(row.id.desc())
    query = query.where(*(row[name] == value for name, value in named.items() if value is not None))
    if wanted.states:
        query = query.where(row.state.in_([s.value for s in wanted.states]))
    return query.where(row.id < after) if after else query


def _tickets(connection: Connection, after: str | None, limit: int, *, open_only: bool) -> tuple[Ticket, ...]:
    row = tables.tickets.c
    query = select(tables.tickets).order_by(row.id.desc()).limit(limit)
    if open_only:
        query = query.where(row.state == TicketState.OPEN.value)
    if after:
        query = query.where(row.id < after)
    return tuple(queries.with_votes(connection, found) for found in connection.execute(query).all())


def _evidence_of(connection: Connection, action_id: str) -> tuple[int, ...]:
    return tuple(row.leaf_index for row in _LEAVES_ABOUT.all(connection, {"of_action": action_id}))


def _cast(unit: Unit, ticket_id: str, vote: Vote, bench: Bench) -> Ticket:
    before = queries.ticket(unit.connection, ticket_id)
    if before is None:
        raise NotFoundError("There is no such ticket.")
    refuse_vote(before, vote.voter, vote.question_digest, now_ms=unit.now_ms, bench=bench)
    _check_proof(unit, ticket_id, vote)
    cast = vote.model_copy(update={"cast_ms": unit.now_ms})
    unit.execute(insert(tables.votes), {"ticket_id": ticket_id, **rows.vote_row(cast)})
    unit.record(events.voted(before, cast))
    after = queries.ticket(unit.connection, ticket_id) or before
    _settle(unit, after, outcome_of(after, bench))
    return queries.ticket(unit.connection, ticket_id) or after


def _settle(unit: Unit, ticket: Ticket, state: TicketState) -> None:
    """Bring ticket and action to where the votes put them."""
    if state is TicketState.OPEN:
        return
    action = rows.action_of(stored(unit.connection, ticket.action_id).body)
    move_ticket(unit, ticket.id, action, state)
    if state is TicketState.APPROVED:
        move(unit, action.id, ActionState.APPROVED, lease_ms=0)
        return
    no = next(v for v in ticket.votes if v.answer == "reject")
    move(unit, action.id, ActionState.REJECTED, reason=no.reason)


def _check_proof(unit: Unit, ticket_id: str, vote: Vote) -> None:
    """A vote that claims a proof must have one that holds; raises `OutOfScopeError` (`bad_assertion`)."""
    if vote.assurance is Assurance.TOKEN:
        return
    key = tables.vote_keys.c
    mine = and_(key.id == vote.key_id, key.person == vote.voter, key.retired_ms.is_(None))
    public_key = unit.connection.execute(select(key.public_key).where(mine)).scalar()
    holds = public_key is not None and verify_vote(
        public_key,
        vote.signature or "",
        ticket=ticket_id,
        question_digest=vote.question_digest,
        answer=vote.answer,
        reason=vote.reason,
    )
    if vote.assurance is not Assurance.SIGNED or not holds:
        detail = (
            "The signature is not yours over this ticket, question, answer and reason; nothing was counted."
        )
        raise OutOfScopeError(detail, code="bad_assertion")


def _cancel(unit: Unit, action_id: str, by: str) -> None:
    row = stored(unit.connection, action_id)
    action = rows.action_of(row.body)
    if ActionState(row.state) not in _CANCELLABLE:
        raise ConflictError(
            f"This action is {row.state} already; it cannot be withdrawn.", code="not_cancellable"
        )
    move(unit, action_id, ActionState.CANCELLED)
    closed = close_tickets(unit, action, TicketState.CANCELLED)
    kind = EventType.ACTION_CANCELLED
    unit.record(events.closed(kind, action, by=by, ticket=closed[0] if closed else None))
