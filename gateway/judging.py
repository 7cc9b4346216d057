"""Judging: facts, blast radius, Rego, and the question, put together. Reads only; writes nothing."""

import hashlib
from dataclasses import dataclass
from typing import Any

from gateway.core.actions import Action
from gateway.core.blast_radius import BlastRadius
from gateway.core.break_glass import can_narrow, narrowed
from gateway.core.digests import input_bytes
from gateway.core.facts import Facts
from gateway.core.gateway_codes import gateway_finding
from gateway.core.joining import join
from gateway.core.judgements import Judgement
from gateway.core.names_read import blast_without_names, secrets_in_names, without_names
from gateway.core.params import MergeRequestMerge
from gateway.core.policy_input import policy_input
from gateway.core.questions import ask
from gateway.core.rulings import Effect, Ruling
from gateway.core.secret_detectors import without_secrets
from gateway.core.tickets import Bench, Ticket, excluded_voters, satisfiable
from gateway.core.vocabulary import SPECS
from gateway.gathering import Gathering, measure_blast
from gateway.ports import Clock, Ids, Ledger, Policy, PolicyInForce

_LONGEST_MESSAGE = 1000


@dataclass(frozen=True, slots=True)
class Judge:
    """Makes judgements. Silence is not consent: whatever fails on the way ends as a denial in the ruling."""

    policy: Policy
    gathering: Gathering
    clock: Clock
    ids: Ids

    @property
    def bench(self) -> Bench:
        """The people who can vote under the policy in force."""
        return self.policy.in_force.bench

    @property
    def ticket_ttl_ms(self) -> int:
        """How long a ticket stays open under the policy in force, in milliseconds."""
        return self.policy.in_force.ticket_ttl_ms

    @property
    def carries_votes(self) -> bool:
        """Whether the policy in force keeps votes over a clean rebase."""
        return self.policy.in_force.carry_over_clean_rebase

    async def judge(self, action: Action, ticket: Ticket | None) -> Judgement:
        """Gather the facts, measure, ask the policy, and phrase the question: all by one policy, or once more."""
        while True:
            in_force = self.policy.in_force
            judgement = await self._judged(action, ticket, in_force)
            if self.policy.in_force.era == in_force.era:
                return judgement

    async def _judged(self, action: Action, ticket: Ticket | None, in_force: PolicyInForce) -> Judgement:
        facts = await self.gathering.gather(action, ticket)
        facts, blast, document = _presented(action, facts, in_force)
        decision = await self.policy.decide(document)
        ruling = join(
            decision,
            in_force.cards,
            action_id=action.id,
            ruling_id=self.ids.new("rul"),
            policy=in_force.version,
            input_digest=hashlib.sha256(input_bytes(document)).hexdigest(),
            judged_ms=self.clock.now_ms(),
        )
        ruling = _with_reasons(await self._narrowed(action, ruling), facts)
        judgement = Judgement(
            action=action,
            facts=facts,
            blast=blast,
            document=document,
            ruling=ruling,
            question=ask(action, facts, blast, ruling),
        )
        return _with_the_gateways_own(judgement, supported=_is_supported(action))

    async def _narrowed(self, action: Action, ruling: Ruling) -> Ruling:
        """The ruling as break-glass leaves it; nobody is asked about break-glass where it could change nothing."""
        if not can_narrow(ruling, action.target.system):
            return ruling
        glass = await self.gathering.counters.break_glass_on(action, self.clock.now_ms())
        return narrowed(ruling, glass) if glass else ruling


def _is_supported(action: Action) -> bool:
    return action.target.system in SPECS[action.type].supported


def _presented(
    action: Action, facts: Facts, in_force: PolicyInForce
) -> tuple[Facts, BlastRadius | None, dict[str, Any]]:
    """Facts, blast radius and policy input, without the secrets in names that stand at the target."""
    supported, blast = _is_supported(action), measure_blast(action, facts, in_force)
    document = policy_input(action, facts, blast, supported=supported).model_dump(mode="json")
    found = secrets_in_names(document, facts.subject)
    if not found:
        return facts, blast, document
    facts, blast = without_names(facts, found), blast_without_names(blast)
    document = policy_input(action, facts, blast, supported=supported).model_dump(mode="json")
    return facts, blast, without_secrets(document)


def deny_with(judgement: Judgement, code: str, detail: str, *, until_ms: int | None = None) -> Judgement:
    """The same judgement, denied by the gateway itself under one of its own codes."""
    finding = gateway_finding(code, detail, until_ms=until_ms)
    ruling: Ruling = judgement.ruling.model_copy(
        update={"effect": Effect.DENY, "findings": (*judgement.ruling.findings, finding)}
    )
    return judgement.model_copy(update={"ruling": ruling})


async def unaskable(judgement: Judgement, ledger: Ledger, bench: Bench) -> Judgement | None:
    """The denial for a question that was answered no before, or that nobody could ever answer."""
    reason = await ledger.rejected_before(judgement.question.digest)
    if reason is not None:
        return deny_with(judgement, "REJECTED_BEFORE", f"A person rejected this very question: {reason}")
    facts, action = judgement.facts, judgement.action
    excluded = excluded_voters(action.agent, action.on_behalf_of, facts.authors)
    clause = satisfiable(judgement.ruling.clauses, excluded, facts.unknown_authors, bench)
    if clause is None:
        return None
    people = f"{clause.count + facts.unknown_authors} independent {' or '.join(clause.any_of_roles)}"
    return deny_with(judgement, "UNSATISFIABLE_APPROVAL", f"This needs {people}; the roster has fewer.")


def _with_reasons(ruling: Ruling, facts: Facts) -> Ruling:
    """The ruling whose finding about missing facts says why each is missing: only that tells what would help."""
    why = " ".join(dict.fromkeys(m.reason for m in facts.missing))
    told = (
        f.model_copy(update={"message": f"{f.message} {why}"[:_LONGEST_MESSAGE]})
        if f.code == "GATE-002" and why
        else f
        for f in ruling.findings
    )
    return ruling.model_copy(update={"findings": tuple(told)})


def _with_the_gateways_own(judgement: Judgement, *, supported: bool) -> Judgement:
    if not supported:
        kind = judgement.action.type.value
        return deny_with(judgement, "NOT_SUPPORTED_YET", f"This version does not perform {kind} yet.")
    params, request = judgement.action.params, judgement.facts.merge_request
    if not isinstance(params, MergeRequestMerge) or request is None:
        return judgement
    if request.state in {"closed", "merged"}:
        over = f"The merge request is {request.state}; there is nothing to merge."
        return deny_with(judgement, "MERGE_REQUEST_OVER", over)
    if request.head != params.expected_head:
        detail = f"The merge request's head is {request.head}, not {params.expected_head}; propose the merge again."
        return deny_with(judgement, "STATE_MOVED", detail)
    return judgement
