"""The one road. Every way in ends here; everything that acts goes through `_execute`.

normalise → admit → gather → judge → deny | hold | wait | act once, and say what happened. (Who asks is settled
at the door.) Each step is durable and signed before the next begins: whatever a crash leaves, `resume` carries on.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from gateway.acting import act
from gateway.core.actions import Action, ActionState, Request
from gateway.core.carrying import carry, rebase_between
from gateway.core.errors import TargetError
from gateway.core.holding import open_ticket
from gateway.core.judgements import Judgement
from gateway.core.normalise import normalise
from gateway.core.outcomes import AnyOutcome
from gateway.core.permits import grant
from gateway.core.principals import Principal
from gateway.core.questions import names_its_state
from gateway.core.steps import Blocked, Deny, Finish, Hold, Start, Supersede, Wait
from gateway.core.tickets import Ticket, TicketState, outcome_of
from gateway.core.verdicts import Verdict, verdict, wait_until_ms
from gateway.core.vocabulary import System
from gateway.core.wellformed import weight
from gateway.judging import Judge, deny_with, unaskable
from gateway.ports import ActionRecord, Clock, Ids, Ledger, Pace, Target
from gateway.reconciling import look_again

_JUDGINGS = 2  # a failed guard judges once more, then denies
_LARGE = 32 * 1024  # characters


@dataclass(frozen=True, slots=True)
class Road:
    """The road and its neighbours, each behind a port."""

    ids: Ids
    clock: Clock
    ledger: Ledger
    judge: Judge
    targets: dict[System, Target]
    pace: Pace | None = None

    async def submit(self, request: Request, principal: Principal) -> AnyOutcome:
        """Propose one action and carry it as far as it goes now. Raises `CallerError` for a bad request."""
        admitted = await self.admit(request, principal)
        return await self.carry(admitted) if isinstance(admitted, Action) else admitted

    async def admit(self, request: Request, principal: Principal) -> Action | AnyOutcome:
        """Record the request once per idempotency key; its outcome so far when it is known already.

        Raises `TooManyRequestsError`, and then nothing is recorded.
        """
        if self.pace is not None:
            await self.pace.propose(principal.id, principal.door.value)
        admitted = await self.ledger.admit(await self._normal(request, principal))
        return admitted.known or admitted.action

    async def preview(self, request: Request, principal: Principal) -> Judgement:
        """A dry run: the same judging, nothing recorded, nothing done; it has a budget of its own."""
        if self.pace is not None:
            await self.pace.rehearse(principal.id, principal.door.value)
        return await self.judge.judge(await self._normal(request, principal), None)

    async def carry(self, action: Action) -> AnyOutcome:
        """Judge an admitted action and do what the verdict says."""
        return await self._decide(action, _JUDGINGS)

    async def resume(self, record: ActionRecord) -> AnyOutcome:
        """Carry on what a crash, a wait or an approval left behind."""
        if record.state in {ActionState.STARTED, ActionState.IN_DOUBT}:
            return await self._reconcile(record)
        return await self.carry(record.action)

    async def _normal(self, request: Request, principal: Principal) -> Action:
        normal = partial(
            normalise,
            request,
            principal,
            action_id=self.ids.new("act"),
            trace=request.trace or self.ids.new("trc"),
            now_ms=self.clock.now_ms(),
        )
        # Searching eight megabytes for secrets takes a second; a small request is done before a thread has begun.
        return await asyncio.to_thread(normal) if weight(request.params) > _LARGE else normal()

    async def _decide(self, action: Action, tries: int) -> AnyOutcome:
        ticket = await self.ledger.ticket_for(action.id)
        judgement = await self.judge.judge(action, ticket)
        match verdict(judgement, ticket, self.judge.bench):
            case Verdict.DENY:
                return await self._settle(Deny(judgement=judgement))
            case Verdict.ASK:
                return await self._hold(judgement, ticket)
            case Verdict.WAIT:
                return await self._settle(
                    Wait(judgement=judgement, until_ms=wait_until_ms(judgement), ticket=ticket)
                )
            case Verdict.STALE:
                return await self._moved(judgement, ticket)
            case Verdict.ALLOW:
                return await self._execute(judgement, ticket, tries)
            case never:
                assert_never(never)

    async def _moved(self, judgement: Judgement, ticket: Ticket | None) -> AnyOutcome:
        if ticket and names_its_state(judgement.action):
            return await self._settle(Supersede(judgement=judgement, ticket=ticket))
        return await self._hold(judgement, ticket)

    async def _hold(self, judgement: Judgement, ticket: Ticket | None) -> AnyOutcome:
        refusal = await unaskable(judgement, self.ledger, self.judge.bench)
        if refusal:
            return await self._settle(Deny(judgement=refusal))
        superseded = ticket if ticket and ticket.state is TicketState.APPROVED else None
        predecessor = superseded or await self.ledger.predecessor_for(judgement.action)
        opened = open_ticket(
            judgement,
            self.ids.new("tkt"),
            now_ms=self.clock.now_ms(),
            ttl_ms=self.judge.ticket_ttl_ms,
            predecessor=predecessor,
        )
        if predecessor and await self._rebased(judgement, predecessor):
            opened = carry(opened, predecessor)
        approved = bool(opened.votes) and outcome_of(opened, self.judge.bench) is TicketState.APPROVED
        held = Hold(judgement=judgement, ticket=opened, superseded=superseded, approved=approved)
        outcome = await self._settle(held)
        # What carried votes approve goes on like any approval: judged again, and only grant() lets it act.
        return await self.carry(judgement.action) if outcome.state is ActionState.APPROVED else outcome

    async def _rebased(self, judgement: Judgement, predecessor: Ticket) -> bool:
        """Whether only a clean rebase, done by this gateway, lies between the two, and policy lets votes outlive it."""
        heads = rebase_between(predecessor.question, judgement.question) if self.judge.carries_votes else None
        return heads is not None and await self.ledger.rebased(judgement.action, *heads)

    async def _execute(self, judgement: Judgement, ticket: Ticket | None, tries: int) -> AnyOutcome:
        permit = grant(judgement, ticket, self.judge.bench)
        target = self.targets[permit.action.target.system]
        try:
            preparation = await target.prepare(permit)
        except TargetError as error:
            return await self._settle(Deny(judgement=deny_with(judgement, "NOT_PERFORMABLE", error.detail)))
        started = await self.ledger.record(Start(judgement=judgement, permit=permit, preparation=preparation))
        if isinstance(started, Blocked):
            return await self._blocked(judgement, ticket, started, tries)
        return await self._settle(await act(target, permit, preparation, self.clock))

    async def _blocked(
        self, judgement: Judgement, ticket: Ticket | None, blocked: Blocked, tries: int
    ) -> AnyOutcome:
        if blocked.guard in {"state", "permit"}:
            return await self.ledger.outcome_of(judgement.action.id)
        if blocked.guard == "budget":
            parked = deny_with(judgement, "OVER_BUDGET", blocked.detail, until_ms=blocked.until_ms)
            return await self._settle(
                Wait(judgement=parked, until_ms=blocked.until_ms, ticket=ticket)
                if ticket or judgement.action.can_wait
                else Deny(judgement=parked)
            )
        if tries > 1:
            return await self._decide(judgement.action, tries - 1)
        return await self._settle(Deny(judgement=deny_with(judgement, "GUARD_FAILED", blocked.detail)))

    async def _settle(self, step: Deny | Hold | Wait | Supersede | Finish) -> AnyOutcome:
        recorded = await self.ledger.record(step)
        if not isinstance(recorded, Blocked):
            return recorded
        if isinstance(step, Hold) and recorded.guard in {"budget", "rejected_before"}:
            return await self._unheld(step, recorded)
        action_id = step.action_id if isinstance(step, Finish) else step.judgement.action.id
        return await self.ledger.outcome_of(action_id)

    async def _unheld(self, step: Hold, blocked: Blocked) -> AnyOutcome:
        """People cannot be asked: the agent has too many questions open, or they said no before."""
        code = blocked.code or "OVER_BUDGET"
        denied = deny_with(step.judgement, code, blocked.detail, until_ms=blocked.until_ms)
        if blocked.guard == "budget" and step.judgement.action.can_wait:
            return await self._settle(Wait(judgement=denied, until_ms=blocked.until_ms, ticket=None))
        return await self._settle(Deny(judgement=denied))

    async def _reconcile(self, record: ActionRecord) -> AnyOutcome:
        action = record.action
        if record.state is ActionState.STARTED:
            await self._settle(
                Finish(action_id=action.id, outcome="in_doubt", reason="The gateway stopped while acting.")
            )
        finish = await look_again(record, self.targets[action.target.system], self.clock)
        return await self._settle(finish) if finish else await self.ledger.outcome_of(action.id)
