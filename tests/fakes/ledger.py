"""The ledger in memory: the same answers as the real one (one contract suite runs against both), and switches.

`story` is the one ordered list of what happened: event types here, and whatever other fakes append to the same list.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from gateway.core import budgets
from gateway.core.actions import LIFE_CYCLE, RESUMABLE, Action, ActionState
from gateway.core.carrying import outdated_by
from gateway.core.errors import ConflictError, LedgerUnavailableError, NotFoundError
from gateway.core.outcomes import AnyOutcome
from gateway.core.permits import RULING_LIFETIME_MS
from gateway.core.rulings import Reservation, Retry
from gateway.core.steps import Blocked, Deny, Finish, Hold, Start, Step, Supersede, Wait
from gateway.core.tickets import TICKET_LIFE, Bench, Ticket, TicketState, Vote, outcome_of, refuse_vote
from gateway.core.vocabulary import ActionType
from gateway.ports import ActionRecord, Admitted, Clock
from tests.fakes.ledger_rows import Row, outcome_from, record_from

S, T = ActionState, TicketState
Result = TypeVar("Result")
_KEY_MS = _LIFE_MS = 24 * 3_600_000
_ENDS = (ActionType.MERGE_REQUEST_MERGE, ActionType.MERGE_REQUEST_CLOSE)


class _GuardError(Exception):
    def __init__(self, guard: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.blocked = Blocked(guard=guard, detail=detail, **more)


@dataclass
class _Kept:
    rows: dict[str, Row] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[str, str, int]] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    used: dict[tuple[str, str, str], int] = field(default_factory=dict)
    reserved: dict[tuple[str, str, str], Reservation] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)

    def copy(self) -> "_Kept":
        parts = {name: type(value)(value) for name, value in vars(self).items()}
        return _Kept(**parts)


@dataclass
class FakeLedger:
    """Set `down` to make the next calls fail; `stopped` blocks every start; `policy` is the digest in force.

    `then` is called after each step that was recorded.
    """

    clock: Clock
    bench: Callable[[], Bench]
    policy: str
    story: list[str] = field(default_factory=list)
    down: bool = False
    stopped: bool = False
    then: Callable[[Step], None] = lambda _: None
    kept: _Kept = field(default_factory=_Kept)

    async def admit(self, action: Action) -> Admitted:
        """Record `requested` once per key."""
        return self._unit(lambda k: self._admit(k, action))

    async def record(self, step: Step) -> AnyOutcome | Blocked:
        """Record one step, or nothing at all."""
        action_id = step.action_id if isinstance(step, Finish) else step.judgement.action.id
        try:
            self._unit(lambda k: self._record(k, step))
        except _GuardError as error:
            return error.blocked
        self.then(step)
        return await self.outcome_of(action_id)

    async def find(self, action_id: str) -> ActionRecord | None:
        """The stored action."""
        row = self.kept.rows.get(action_id)
        return record_from(row) if row else None

    async def ticket_for(self, action_id: str) -> Ticket | None:
        """The newest ticket of an action."""
        mine = [t for t in self.kept.tickets.values() if t.action_id == action_id]
        return max(mine, key=_age, default=None)

    async def predecessor_for(self, action: Action) -> Ticket | None:
        """The newest stale ticket that no successor answers."""
        answered = {t.predecessor for t in self.kept.tickets.values()}
        stale = [
            t
            for t in self.kept.tickets.values()
            if t.state is T.STALE
            and t.id not in answered
            and _aim(self.kept.rows[t.action_id].action) == _aim(action)
        ]
        return max(stale, key=_age, default=None)

    async def rebased(self, action: Action, before: str, after: str) -> bool:
        """Whether a performed rebase led from one head to the other."""
        heads = {"merge_request": action.target.merge_request, "head_before": before, "head": after}
        done = [r for r in self.kept.rows.values() if r.action.type is ActionType.MERGE_REQUEST_REBASE]
        return any(r.state is S.PERFORMED and heads.items() <= r.result.items() for r in done)

    async def rejected_before(self, question_digest: str) -> str | None:
        """The reason of the newest rejection of this question."""
        return _rejection(self.kept, question_digest)

    async def outcome_of(self, action_id: str) -> AnyOutcome:
        """The outcome as it stands."""
        if action_id not in self.kept.rows:
            raise NotFoundError(f"There is no action {action_id}.")
        return outcome_from(self.kept.rows[action_id])

    async def claim_due(self, *, lease_ms: int, limit: int) -> tuple[ActionRecord, ...]:
        """Lease what is due."""
        return self._unit(lambda k: self._claim(k, lease_ms, limit))

    async def cast(self, ticket_id: str, vote: Vote) -> Ticket:
        """Count one vote."""
        return self._unit(lambda k: self._cast(k, ticket_id, vote))

    async def cancel(self, action_id: str, *, by: str) -> None:
        """Withdraw an action that has not started."""
        self._unit(lambda k: self._cancel(k, action_id, by))

    async def expire_due(self, now_ms: int) -> int:
        """Expire what is due."""
        return self._unit(lambda k: self._expire(k, now_ms))

    def _unit(self, work: Callable[[_Kept], Result]) -> Result:
        if self.down:
            raise LedgerUnavailableError("The fake ledger is down.")
        draft = self.kept.copy()
        draft.story.clear()
        result = work(draft)
        self.kept = draft
        self.story.extend(draft.story)
        return result

    def _admit(self, kept: _Kept, action: Action) -> Admitted:
        now_ms = self.clock.now_ms()
        if action.idempotency_key is not None:
            key = (action.agent, action.idempotency_key)
            digest, action_id, created_ms = kept.keys.get(key, ("", "", -_KEY_MS))
            if created_ms > now_ms - _KEY_MS:
                if digest != action.digest:
                    raise ConflictError("Another action has this key.", code="idempotency_mismatch")
                return Admitted(action=kept.rows[action_id].action, known=outcome_from(kept.rows[action_id]))
            kept.keys[key] = (action.digest, action.id, now_ms)
        kept.rows[action.id] = Row(action, S.REQUESTED, now_ms + 90_000, action.created_ms + _LIFE_MS)
        kept.story.append("action.requested")
        return Admitted(action=action)

    def _record(self, kept: _Kept, step: Step) -> None:
        match step:
            case Deny():
                self._judge(kept, step, S.DENIED, T.CANCELLED)
                self._park(kept, step)
                kept.story.append("action.denied")
            case Hold():
                self._hold(kept, step)
            case Wait():
                self._wait(kept, step)
            case Supersede():
                self._judge(kept, step, S.STALE, T.STALE)
                kept.story.append("action.stale")
            case Start():
                self._start(kept, step)
            case Finish():
                self._finish(kept, step)

    def _judge(
        self, kept: _Kept, step: Deny | Supersede | Wait, state: ActionState, closing: TicketState | None
    ) -> None:
        kept.story.append("action.judged")
        action = step.judgement.action
        until_ms = step.until_ms if isinstance(step, Wait) else None
        self._move(kept, action.id, state, ruling=step.judgement.ruling, until_ms=until_ms)
        if closing:
            self._close(kept, action.id, closing)

    def _hold(self, kept: _Kept, step: Hold) -> None:
        action, ticket = step.judgement.action, step.ticket
        reason = _rejection(kept, ticket.question_digest)
        if reason is not None:
            raise _GuardError("rejected_before", reason, code="REJECTED_BEFORE")
        if kept.rows[action.id].ticket_id != (step.superseded.id if step.superseded else None):
            raise _GuardError("state", "another ticket meanwhile")
        kept.story.append("action.judged")
        held = {"ruling": step.judgement.ruling, "ticket_id": ticket.id, "until_ms": None}
        self._move(kept, action.id, S.HELD, expires_ms=ticket.expires_ms, **held)
        self._close(kept, action.id, T.STALE)
        self._reserve(kept, action, step.judgement.ruling.reserve, "held")
        kept.tickets[ticket.id] = ticket
        kept.story += ["action.held", "approval.opened", *(["approval.carried"] if ticket.carried else [])]
        if step.approved:
            kept.tickets[ticket.id] = ticket.model_copy(update={"state": T.APPROVED})
            kept.story.append("approval.approved")
            self._move(kept, action.id, S.APPROVED, lease_ms=0)

    def _wait(self, kept: _Kept, step: Wait) -> None:
        row, judgement = kept.rows[step.judgement.action.id], step.judgement
        complaint = (
            judgement.ruling.policy.digest,
            judgement.question.digest,
            sorted((f.code, f.effect, f.until_ms or 0) for f in judgement.ruling.findings),
        )
        rested: dict[str, Any] = {"lease_ms": self.clock.now_ms() + 2000, "complaint": complaint}
        if step.ticket is None and step.until_ms is not None:
            rested["expires_ms"] = max(row.expires_ms, step.until_ms + 3_600_000)
        if (row.state, row.until_ms, row.complaint) == (S.WAITING, step.until_ms, complaint):
            kept.rows[row.action.id] = replace(row, **rested)
            return
        self._judge(kept, step, S.WAITING, None)
        kept.rows[row.action.id] = replace(kept.rows[row.action.id], **rested)
        self._park(kept, step)
        kept.story.append("action.waiting")

    def _start(self, kept: _Kept, step: Start) -> None:
        permit, now_ms = step.permit, self.clock.now_ms()
        kept.story.append("action.judged")
        if self.stopped:
            raise _GuardError("stop", "stopped")
        if permit.policy_digest != self.policy:
            raise _GuardError("policy", "another policy")
        if now_ms - permit.judged_ms > RULING_LIFETIME_MS:
            raise _GuardError("ruling_age", "too old")
        self._spend(kept, step, now_ms)
        claim: dict[str, Any] = {
            "preparation": step.preparation,
            "started_ms": now_ms,
            "lease_ms": now_ms + 180_000,
        }
        self._move(kept, permit.action.id, S.STARTED, ruling=step.judgement.ruling, until_ms=None, **claim)
        self._reserve(kept, permit.action, permit.reserve, "started")
        kept.story.append("action.started")

    def _spend(self, kept: _Kept, step: Start, now_ms: int) -> None:
        permit = step.permit
        live = [t for t in kept.tickets.values() if t.action_id == permit.action.id and TICKET_LIFE[t.state]]
        if permit.ticket_id is None:
            if live:
                raise _GuardError("permit", "the permit names no ticket")
            return
        found = next((t for t in live if t.id == permit.ticket_id and t.state is T.APPROVED), None)
        if found is None or found.question_digest != permit.question_digest or found.expires_ms <= now_ms:
            raise _GuardError("permit", "not spendable")
        self._close(kept, permit.action.id, T.SPENT)

    def _finish(self, kept: _Kept, step: Finish) -> None:
        values = {
            "result": step.performance.result if step.performance else {},
            "reason": step.reason,
            "retryable": step.retryable,
            "lease_ms": self.clock.now_ms() + 2000,
        }
        self._move(kept, step.action_id, S(step.outcome), **values)
        action = kept.rows[step.action_id].action
        if step.outcome == S.PERFORMED and action.type in _ENDS:
            self._count_closed_request(kept, action)
        kept.story += [*(["action.reconciled"] if step.reconciled else []), f"action.{step.outcome}"]
        if step.outcome == S.PERFORMED and action.type is ActionType.MERGE_REQUEST_REBASE:
            self._outdate(kept, action, step)

    def _outdate(self, kept: _Kept, rebase: Action, step: Finish) -> None:
        for row in [r for r in kept.rows.values() if r.state is S.HELD]:
            reason = outdated_by(rebase, step, row.action)
            if reason:
                self._move(kept, row.action.id, S.STALE, reason=reason, until_ms=None)
                self._close(kept, row.action.id, T.STALE)
                kept.story.append("action.stale")

    def _count_closed_request(self, kept: _Kept, action: Action) -> None:
        for row in kept.rows.values():
            opened = row.action.type is ActionType.MERGE_REQUEST_OPEN and row.state is S.PERFORMED
            same = row.action.target.project == action.target.project
            if opened and same and row.result.get("merge_request") == action.target.merge_request:
                self._release(kept, row.action.id, "open_merge_requests")

    def _park(self, kept: _Kept, step: Deny | Wait) -> None:
        codes = [f.code for f in step.judgement.ruling.findings if f.retry is Retry.WAIT_UNTIL]
        rates = [c for c in codes if c.startswith("RATE-")] if isinstance(step, Wait) else []
        kept.story += ["budget.parked"] * (codes.count("OVER_BUDGET") + len(rates))

    def _move(self, kept: _Kept, action_id: str, state: ActionState, **values: Any) -> None:
        row = kept.rows.get(action_id)
        if row is None or state not in LIFE_CYCLE[row.state]:
            raise _GuardError("state", f"cannot become {state.value}")
        kept.rows[action_id] = replace(row, state=state, **values)
        for _, budget, _ in [k for k in kept.reserved if k[0] == action_id]:
            if budgets.gives_back(budget, state):
                self._release(kept, action_id, budget)

    def _release(self, kept: _Kept, action_id: str, budget: str) -> None:
        for key in [k for k in kept.reserved if k[:2] == (action_id, budget)]:
            agent = kept.rows[action_id].action.agent
            kept.used[agent, budget, key[2]] -= kept.reserved.pop(key).amount

    def _reserve(self, kept: _Kept, action: Action, wanted: tuple[Reservation, ...], at: str) -> None:
        for reservation in wanted:
            if not reservation.amount or budgets.reserved_at(reservation.budget) != at:
                continue
            same = [k for k in kept.reserved if k[:2] == (action.id, reservation.budget)]
            if any(kept.reserved[k].window == reservation.window for k in same):
                continue
            period = budgets.window_key(reservation.window, self.clock.now_ms())
            account = (action.agent, reservation.budget, period)
            if kept.used.get(account, 0) + reservation.amount > reservation.limit:
                until_ms = budgets.window_end_ms(reservation.window, self.clock.now_ms())
                raise _GuardError("budget", "used up", code="OVER_BUDGET", until_ms=until_ms)
            kept.used[account] = kept.used.get(account, 0) + reservation.amount
            kept.reserved[action.id, reservation.budget, period] = reservation

    def _close(self, kept: _Kept, action_id: str, state: TicketState) -> None:
        for ticket in [t for t in kept.tickets.values() if t.action_id == action_id and TICKET_LIFE[t.state]]:
            kept.tickets[ticket.id] = ticket.model_copy(update={"state": state})
            if state is not T.CANCELLED:
                kept.story.append(f"approval.{state.value}")

    def _claim(self, kept: _Kept, lease_ms: int, limit: int) -> tuple[ActionRecord, ...]:
        now_ms = self.clock.now_ms()
        due = [
            r
            for r in kept.rows.values()
            if r.state in RESUMABLE and r.lease_ms <= now_ms and (r.until_ms is None or r.until_ms <= now_ms)
        ]
        due = sorted(due, key=lambda r: (r.lease_ms, r.action.id))[:limit]
        for row in due:
            kept.rows[row.action.id] = replace(row, lease_ms=now_ms + lease_ms)
        return tuple(record_from(r) for r in due)

    def _cast(self, kept: _Kept, ticket_id: str, vote: Vote) -> Ticket:
        if ticket_id not in kept.tickets:
            raise NotFoundError("There is no such ticket.")
        before, now_ms, bench = kept.tickets[ticket_id], self.clock.now_ms(), self.bench()
        refuse_vote(before, vote.voter, vote.question_digest, now_ms=now_ms, bench=bench)
        cast = vote.model_copy(update={"cast_ms": now_ms})
        after = before.model_copy(update={"votes": (*before.votes, cast)})
        state = outcome_of(after, bench)
        kept.tickets[ticket_id] = after.model_copy(update={"state": state})
        kept.story.append("approval.voted")
        if state is not T.OPEN:
            kept.story.append(f"approval.{state.value}")
            ended = {"lease_ms": 0} if state is T.APPROVED else {"reason": vote.reason}
            self._move(kept, before.action_id, S(state.value), **ended)
        return kept.tickets[ticket_id]

    def _cancel(self, kept: _Kept, action_id: str, _by: str) -> None:
        if action_id not in kept.rows:
            raise NotFoundError(f"There is no action {action_id}.")
        if S.CANCELLED not in LIFE_CYCLE[kept.rows[action_id].state]:
            raise ConflictError("Too late.", code="not_cancellable")
        self._move(kept, action_id, S.CANCELLED)
        self._close(kept, action_id, T.CANCELLED)
        kept.story.append("action.cancelled")

    def _expire(self, kept: _Kept, now_ms: int) -> int:
        late = {t.action_id for t in kept.tickets.values() if TICKET_LIFE[t.state] and t.expires_ms <= now_ms}
        due = sorted(i for i, r in kept.rows.items() if r.expires_ms <= now_ms or i in late)
        due = [i for i in due if S.EXPIRED in LIFE_CYCLE[kept.rows[i].state]]
        for action_id in due:
            self._close(kept, action_id, T.EXPIRED)
            self._move(kept, action_id, S.EXPIRED)
            kept.story.append("action.expired")
        return len(due)


def _rejection(kept: _Kept, digest: str) -> str | None:
    said_no = [
        v
        for t in kept.tickets.values()
        for v in t.votes
        if v.answer == "reject" and v.question_digest == digest
    ]
    newest = max(said_no, key=lambda v: v.cast_ms, default=None)
    return newest.reason if newest else None


def _aim(action: Action) -> tuple[Any, ...]:
    return (action.agent, action.type, action.target)


def _age(ticket: Ticket) -> tuple[int, str]:
    return (ticket.opened_ms, ticket.id)
