"""Values for the tests of the core, each with every field a test does not care about filled in."""

from typing import Any

from gateway.core.actions import Action, Request, Target
from gateway.core.catalogue import Catalogue, Service
from gateway.core.changes import Change, ChangedFile
from gateway.core.digests import digest_of
from gateway.core.facts import AgentFacts, ContextFacts, Facts, UsageFacts
from gateway.core.judgements import Judgement
from gateway.core.normalise import normalise
from gateway.core.params import params_model
from gateway.core.principals import Door, Person, Principal, Role, Roster, Scope
from gateway.core.questions import ask
from gateway.core.rulings import (
    Assurance,
    Binding,
    Clause,
    Effect,
    Finding,
    PolicyVersion,
    Retry,
    Ruling,
)
from gateway.core.tickets import Bench, Ticket, TicketState, Vote
from gateway.core.vocabulary import ActionType, System
from tests.voting import signed

AGENT, OWNER = "agt_fixer", "prn_developer"
NOW_MS = 1_800_000_000_000
HEAD, OLD = "a" * 40, "b" * 40
POLICY = PolicyVersion(digest="0" * 64, revision="test", engine="wasm", engine_version="1")
GITLAB = {"system": "gitlab", "project": "shop/checkout"}
JIRA = {"system": "jira", "project": "SHOP"}


def principal(**changes: Any) -> Principal:
    """An agent whose token covers everything the tests ask for."""
    scope = Scope(projects=("shop/*", "jira:SHOP"), action_types=("*",))
    plain: dict[str, Any] = {"id": AGENT, "roles": (Role.AGENT,), "owner": OWNER, "scope": scope}
    return Principal(**{**plain, **changes})


def meant(kind: str, target: dict[str, Any], params: dict[str, Any] | None = None, **changes: Any) -> Action:
    """What `normalise` makes of a request by that agent."""
    request = Request(type=kind, target=target, params=params or {}, **changes)
    return normalise(request, principal(), action_id="act_1", trace="trc_1", now_ms=NOW_MS)


def action(kind: ActionType = ActionType.MERGE_REQUEST_MERGE, **changes: Any) -> Action:
    """An action in normal form: the merge of request 7 unless told otherwise."""
    system = changes.pop("system", System.GITLAB)
    params = changes.pop("params", {"expected_head": HEAD} if kind is ActionType.MERGE_REQUEST_MERGE else {})
    aims = changes.pop("aims", {"project": "shop/checkout", "merge_request": 7})
    plain: dict[str, Any] = {
        "id": "act_1",
        "type": kind,
        "target": Target(system=system, **aims),
        "params": params_model(kind).model_validate(params),
        "intent": "a test",
        "agent": AGENT,
        "on_behalf_of": OWNER,
        "door": Door.REST,
        "trace": "trc_1",
        "created_ms": NOW_MS,
    }
    return Action(**{**plain, **changes})


def facts(**changes: Any) -> Facts:
    """Facts about an agent in good standing, and nothing else."""
    usage = UsageFacts(actions_hour=0, actions_day=0, open_merge_requests=0, held_tickets=0)
    plain: dict[str, Any] = {
        "agent": AgentFacts(
            id=AGENT, owner=OWNER, tier="contributor", status="active", branch_prefix="agent/", usage=usage
        ),
        "context": ContextFacts(now_ms=NOW_MS, local_weekday=1, local_minute=600, clock_ok=True, door="rest"),
    }
    return Facts(**{**plain, **changes})


def finding(code: str = "BLAST-001", effect: Effect = Effect.DENY, **changes: Any) -> Finding:
    """A finding; an approval finding asks one service owner unless told otherwise."""
    clauses = (clause(),) if effect is Effect.REQUIRE_APPROVAL else ()
    plain: dict[str, Any] = {
        "code": code,
        "effect": effect,
        "clauses": clauses,
        "retry": Retry.FIX_AND_RETRY,
        "title": "A title",
        "severity": "high",
        "remediation": "Mend it.",
        "message": f"{code} A title.",
        "binding": Binding.STATE,
    }
    return Finding(**{**plain, **changes})


def clause(role: str = "sre", count: int = 1, **changes: Any) -> Clause:
    """A clause for so many holders of a role."""
    return Clause(**{"count": count, "any_of_roles": (role,), **changes})


def ruling(effect: Effect = Effect.ALLOW, findings: tuple[Finding, ...] = (), **changes: Any) -> Ruling:
    """A ruling with the clauses of its approval findings."""
    asked = [c for f in findings if f.effect is Effect.REQUIRE_APPROVAL for c in f.clauses]
    plain: dict[str, Any] = {
        "id": "rul_1",
        "action_id": "act_1",
        "effect": effect,
        "findings": findings,
        "clauses": tuple(asked),
        "policy": POLICY,
        "input_digest": "1" * 64,
        "judged_ms": NOW_MS,
    }
    return Ruling(**{**plain, **changes})


def judgement(
    given: Ruling, *, of: Action | None = None, known: Facts | None = None, change: Change | None = None
) -> Judgement:
    """The judgement with that ruling."""
    meant_action, seen = of or action(), known or facts()
    seen = seen.model_copy(update={"change": change}) if change else seen
    question = ask(meant_action, seen, None, given)
    return Judgement(
        action=meant_action, facts=seen, blast=None, document={}, ruling=given, question=question
    )


def ticket(judged: Judgement | None = None, **changes: Any) -> Ticket:
    """An open ticket for that judgement, asking what its ruling asks."""
    asked = judged or judgement(ruling(Effect.REQUIRE_APPROVAL, (finding(effect=Effect.REQUIRE_APPROVAL),)))
    plain: dict[str, Any] = {
        "id": "tkt_1",
        "action_id": asked.action.id,
        "state": TicketState.OPEN,
        "question": asked.question,
        "question_digest": asked.question.digest,
        "ruling_id": asked.ruling.id,
        "clauses": asked.ruling.clauses,
        "excluded": (AGENT, OWNER),
        "opened_ms": NOW_MS,
        "expires_ms": NOW_MS + 1000,
    }
    return Ticket(**{**plain, **changes})


def vote(voter: str, on: Ticket, answer: str = "approve", assurance: Assurance = Assurance.SIGNED) -> Vote:
    """A vote on the ticket's own question."""
    plain = {
        "voter": voter,
        "answer": answer,
        "question_digest": on.question_digest,
        "reason": "looked at it",
        "assurance": assurance,
        "cast_ms": NOW_MS,
    }
    return signed(Vote.model_validate(plain), on.id)


def bench(services: tuple[Service, ...] = (), **roles: tuple[str, ...]) -> Bench:
    """People by name with the roles they approve as; `sam=("sre",)` is `prn_sam`."""
    people = tuple(Person(id=f"prn_{name}", approves_as=held) for name, held in roles.items())
    return Bench(roster=Roster(people=people), catalogue=Catalogue(services=services))


def changed(path: str, lines: int = 1, **changes: Any) -> ChangedFile:
    """A modified file with that many added lines."""
    plain: dict[str, Any] = {
        "path": path,
        "status": "M",
        "old_mode": "100644",
        "new_mode": "100644",
        "old_oid": digest_of([path])[:40],
        "new_oid": digest_of([path, "new"])[:40],
        "additions": lines,
    }
    return ChangedFile(**{**plain, **changes})


def change(*files: ChangedFile, **changes: Any) -> Change:
    """A change of those files."""
    return Change(**{"base": OLD, "head": HEAD, "files": files, **changes})
