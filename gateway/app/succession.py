"""What must hold of a policy before it may follow another: its data is whole, and it can be followed in turn."""

import hashlib
from datetime import UTC
from typing import Any

from pydantic import ValidationError

from gateway import derived
from gateway.adapters.opa.built import BuiltPolicy
from gateway.adapters.opa.bundles import BundleRefusedError
from gateway.adapters.opa.engine import Engine
from gateway.core.actions import Action, Target
from gateway.core.digests import input_bytes
from gateway.core.facts import Facts, UsageFacts
from gateway.core.joining import join
from gateway.core.params import PolicyChange
from gateway.core.policy_input import policy_input
from gateway.core.principals import Door, Person, Role
from gateway.core.rulings import Effect, Retry, Ruling
from gateway.core.tickets import excluded_voters, satisfiable
from gateway.core.vocabulary import ActionType, System
from gateway.workbench.contract import typed_contract
from gateway.workbench.data_models import PolicyData

_NOTHING_USED = UsageFacts(actions_hour=0, actions_day=0, open_merge_requests=0, held_tickets=0)


def check_data(built: BuiltPolicy) -> None:
    """Raise `BundleRefusedError` where the data does not have the form that a build checks, or is for other facts."""
    data = built.data
    typed, contract = typed_contract(), data.get("contract")
    given = contract if isinstance(contract, dict) else {}
    if {name: given.get(name) for name in typed} != typed:
        raise BundleRefusedError(
            "The policy was built for other facts than this version of Loopgate gathers; build it with this version."
        )
    plain = {name: value for name, value in data.items() if name != "registry"}
    plain["contract"] = {name: value for name, value in given.items() if name not in typed}
    try:
        PolicyData.model_validate(plain)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BundleRefusedError(f"The policy's data: {where}: {first['msg']}.") from error


async def check_succession(engine: Engine, now_ms: int) -> None:
    """Raise `BundleRefusedError` for a policy that would be the last one, or that somebody could change alone.

    Under it, every policy author must be asked for approval, and the others must be able to give it to at least one.
    """
    authors = [p for p in engine.in_force.roster.people if Role.POLICY_AUTHOR in p.roles]
    rulings = {author.id: await _rehearsed(engine, author, now_ms) for author in authors}
    alone = [name for name, ruling in rulings.items() if not _holds(ruling)]
    if alone:
        raise BundleRefusedError(f"Under this policy {alone[0]} could change the policy without approval.")
    if not any(_can_be_approved(engine, name, ruling) for name, ruling in rulings.items()):
        raise BundleRefusedError(
            "Under this policy nobody could change the policy again: it needs a policy author who is allowed to propose "
            "it, and other people who may approve it."
        )


def _holds(ruling: Ruling) -> bool:
    return ruling.effect is Effect.DENY or bool(ruling.clauses)


def _can_be_approved(engine: Engine, author: str, ruling: Ruling) -> bool:
    denials = [f for f in ruling.findings if f.effect is Effect.DENY]
    only_later = all(f.retry is Retry.WAIT_UNTIL for f in denials)
    if not (only_later and ruling.clauses and (denials or ruling.effect is not Effect.DENY)):
        return False
    excluded = excluded_voters(author, author, ())
    return satisfiable(ruling.clauses, excluded, 0, engine.in_force.bench) is None


async def _rehearsed(engine: Engine, author: Person, now_ms: int) -> Ruling:
    action, in_force = _proposal(author, now_ms), engine.in_force
    zone = derived.zone_of(in_force.time_zone) or UTC
    facts = Facts(
        agent=derived.agent_facts(action, in_force.roster, _NOTHING_USED, suspended=False, current_tier=None),
        context=derived.context_facts(now_ms, zone, clock_ok=True, door=action.door.value),
    )
    document: dict[str, Any] = policy_input(action, facts, None, supported=True).model_dump(mode="json")
    return join(
        await engine.decide(document),
        in_force.cards,
        action_id=action.id,
        ruling_id="rul_rehearsal",
        policy=in_force.version,
        input_digest=hashlib.sha256(input_bytes(document)).hexdigest(),
        judged_ms=now_ms,
    )


def _proposal(author: Person, now_ms: int) -> Action:
    return Action(
        id="act_rehearsal",
        type=ActionType.POLICY_ACTIVATE,
        target=Target(system=System.LOOPGATE),
        params=PolicyChange(digest="0" * 64),
        intent="",
        agent=author.id,
        on_behalf_of=author.id,
        door=Door.REST,
        trace="trc_rehearsal",
        created_ms=now_ms,
    )
