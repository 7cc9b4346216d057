"""Actions, permits and records for tests of what comes after the ruling. Permits are made by `grant()`, as always."""

from typing import Any

from gateway.core.actions import Action, ActionState, Target
from gateway.core.catalogue import Catalogue
from gateway.core.facts import AgentFacts, ContextFacts, Facts, UsageFacts
from gateway.core.judgements import Judgement
from gateway.core.params import params_model
from gateway.core.permits import Permit, grant
from gateway.core.principals import Door, Roster
from gateway.core.questions import ask
from gateway.core.rulings import Effect, PolicyVersion, Ruling
from gateway.core.steps import Preparation
from gateway.core.tickets import Bench
from gateway.core.vocabulary import ActionType, System
from gateway.ports import ActionRecord, Inspection

AGENT = "agt_fixer"
OWNER = "prn_developer"
NOW_MS = 1_800_000_000_000
POLICY = PolicyVersion(digest="0" * 64, revision="test", engine="none", engine_version="0")
EMPTY_BENCH = Bench(roster=Roster(), catalogue=Catalogue())


def action_of(
    kind: ActionType,
    *,
    system: System = System.GITLAB,
    params: dict[str, Any] | None = None,
    action_id: str = "act_1",
    now_ms: int = NOW_MS,
    **aims: Any,
) -> Action:
    """An action in normal form."""
    return Action(
        id=action_id,
        type=kind,
        target=Target(system=system, **aims),
        params=params_model(kind).model_validate(params or {}),
        intent="a test",
        agent=AGENT,
        on_behalf_of=OWNER,
        door=Door.REST,
        trace="trc_1",
        created_ms=now_ms,
    )


def facts_of(seen: Inspection, now_ms: int = NOW_MS) -> Facts:
    """The facts of an inspection, for an agent in good standing."""
    usage = UsageFacts(actions_hour=0, actions_day=0, open_merge_requests=0, held_tickets=0)
    return Facts(
        agent=AgentFacts(
            id=AGENT, owner=OWNER, tier="contributor", status="active", branch_prefix="agent/", usage=usage
        ),
        context=ContextFacts(now_ms=now_ms, local_weekday=1, local_minute=600, clock_ok=True, door="rest"),
        project=seen.project,
        branch=seen.branch,
        merge_request=seen.merge_request,
        pipeline=seen.pipeline,
        issue=seen.issue,
        deployment=seen.deployment,
        job=seen.job,
        tag=seen.tag,
        subject=seen.subject,
    )


def permit_for(action: Action, seen: Inspection) -> Permit:
    """Leave to perform the action once, judged on that inspection by a policy that allows everything."""
    facts = facts_of(seen, action.created_ms)
    ruling = Ruling(
        id="rul_1",
        action_id=action.id,
        effect=Effect.ALLOW,
        policy=POLICY,
        input_digest="0" * 64,
        judged_ms=action.created_ms,
    )
    judgement = Judgement(
        action=action,
        facts=facts,
        blast=None,
        document={},
        ruling=ruling,
        question=ask(action, facts, None, ruling),
    )
    return grant(judgement, None, EMPTY_BENCH)


def record_of(
    action: Action, preparation: Preparation, state: ActionState = ActionState.IN_DOUBT
) -> ActionRecord:
    """The stored action as the poller finds it after a crash."""
    return ActionRecord(action=action, state=state, preparation=preparation, started_ms=action.created_ms)
