"""`/healthz`, `/readyz`, `/v1/me`, `/v1/rules`: how the gateway stands, and what holds for me."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from gateway.core.globs import GlobError
from gateway.core.model import Model
from gateway.core.normalise import type_in_scope
from gateway.core.principals import Agent, Principal
from gateway.core.vocabulary import SPECS, ActionType
from gateway.derived import lower_tier
from gateway.doors.rest.authentication import SignedIn
from gateway.doors.rest.context import Given
from gateway.doors.rest.routes import StrictRoute

router = APIRouter(tags=["standing"], route_class=StrictRoute)


class BudgetLine(Model):
    """One of my budgets: what is used of it in this window, and its limit at my tier. `open` is what is open now."""

    budget: str
    window: str
    used: int
    limit: int


class Me(Model):
    """Who I am here, and what my token may do.

    `action_types` are the patterns of the token's scope; `performs` are the types they cover that this version carries
    out somewhere. `budgets` are all that the policy in force names; `used` are the counts that its rules look at.
    """

    id: str
    roles: tuple[str, ...]
    owner: str | None
    projects: tuple[str, ...]
    action_types: tuple[str, ...]
    performs: tuple[str, ...]
    branch_prefix: str | None
    tier: str | None
    approves_as: tuple[str, ...]
    used: dict[str, int]
    budgets: tuple[BudgetLine, ...]


class Rule(Model):
    """A rule in force."""

    code: str
    title: str
    severity: str
    remediation: str
    retry: str
    controls: tuple[str, ...]
    docs: str


class Rules(Model):
    """The rules in force and the policy they belong to."""

    policy_digest: str
    revision: str
    rules: tuple[Rule, ...]
    action_types: dict[str, Any]


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """Alive: the process answers."""
    return {"status": "alive"}


@router.get("/readyz")
async def ready(given: Given) -> JSONResponse:
    """Ready: the policy answers, the log appends, the targets are reachable; terse on purpose."""
    probes = await given.probes.all()
    ok = all(p.ok for p in probes.values())
    body = {
        "status": "ready" if ok else "not ready",
        "checks": {k: v.model_dump() for k, v in probes.items()},
    }
    return JSONResponse(body, status_code=200 if ok else 503)


@router.get("/v1/me")
async def me(given: Given, principal: SignedIn) -> Me:
    """Identity, scope, the types of action I may use, tier, and each budget with its use and limit."""
    roster = given.policy.in_force.roster
    agent, person = roster.agent(principal.id), roster.person(principal.id)
    usage = await given.counters.usage(principal.id, given.clock.now_ms()) if agent else None
    return Me(
        id=principal.id,
        roles=tuple(r.value for r in principal.roles),
        owner=principal.owner,
        projects=principal.scope.projects,
        action_types=principal.scope.action_types,
        performs=_performs(principal) if agent else (),
        branch_prefix=agent.branch_prefix if agent else None,
        tier=agent.tier.value if agent else None,
        approves_as=person.approves_as if person else (),
        used=usage.model_dump() if usage else {},
        budgets=await _budgets(given, agent) if agent else (),
    )


@router.get("/v1/rules")
async def rules(given: Given, principal: SignedIn) -> Rules:
    """The rules in force, with what helps against each."""
    in_force = given.policy.in_force
    return Rules(
        policy_digest=in_force.version.digest,
        revision=in_force.version.revision,
        rules=tuple(
            Rule(
                code=c.code,
                title=c.title,
                severity=c.severity,
                remediation=c.remediation,
                retry=c.retry.value,
                controls=c.controls,
                docs=f"docs/reference/rules/{c.code}.md",
            )
            for c in sorted(in_force.cards.values(), key=lambda c: c.code)
        ),
        action_types={t.value: {"systems": [s.value for s in spec.supported]} for t, spec in SPECS.items()},
    )


async def _budgets(given: Given, agent: Agent) -> tuple[BudgetLine, ...]:
    drawn = await given.counters.drawn(agent.id, given.clock.now_ms())
    tier = lower_tier(agent.tier, await given.counters.current_tier(agent.id))
    return tuple(
        BudgetLine(
            budget=a.budget, window=a.window, used=drawn.get((a.budget, a.window), 0), limit=a.limit(tier)
        )
        for a in given.policy.in_force.allowances
    )


def _performs(principal: Principal) -> tuple[str, ...]:
    try:
        return tuple(t.value for t, spec in SPECS.items() if spec.supported and _covered(principal, t))
    except GlobError:
        # A scope that cannot be read covers nothing, here as in a proposal.
        return ()


def _covered(principal: Principal, action_type: ActionType) -> bool:
    return type_in_scope(principal.scope, action_type.value)
