"""A store in a temporary folder, and judgements to record in it."""

import itertools
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from audit.keys import Ed25519Signer
from audit.log import Log, Sources
from gateway.adapters.remembered import Remembered
from gateway.adapters.store import genesis
from gateway.adapters.store.sources import StoreSources
from gateway.adapters.store.store import Store
from gateway.core.actions import Action, Target
from gateway.core.catalogue import Catalogue, Service
from gateway.core.facts import AgentFacts, ContextFacts, Facts, UsageFacts
from gateway.core.holding import open_ticket
from gateway.core.judgements import Judgement
from gateway.core.params import params_model
from gateway.core.permits import Permit, grant
from gateway.core.principals import Agent, Door, Person, Role, Roster, Tier
from gateway.core.questions import ask
from gateway.core.rulings import (
    Assurance,
    Binding,
    Clause,
    Effect,
    Finding,
    PolicyVersion,
    Reservation,
    Retry,
    Ruling,
)
from gateway.core.steps import Deny, Finish, Hold, Performance, Preparation, Start, Supersede, Wait
from gateway.core.tickets import Bench, Ticket, Vote
from gateway.core.vocabulary import ActionType, System
from tests.postgres import Cluster

ORIGIN = "gateway.example/audit/log1"
NOW_MS = 1_800_000_000_000
POLICY = "a" * 64
AGENT, OWNER = "agt_fixer", "prn_owner"
VOTERS = tuple(f"prn_voter{n}" for n in range(60))
CLAUSE = Clause(count=1, any_of_roles=("service-owner",))

ROSTER = Roster(
    people=(
        Person(id=OWNER, roles=(Role.APPROVER, Role.OPERATOR), approves_as=("service-owner",)),
        *(Person(id=v, roles=(Role.APPROVER,), approves_as=("service-owner", "sre")) for v in VOTERS),
        Person(id="prn_stranger", roles=(Role.APPROVER,), approves_as=("data-owner",)),
    ),
    agents=(Agent(id=AGENT, owner=OWNER, tier=Tier.CONTRIBUTOR, grants=("code",), projects=("shop/*",)),),
)
BENCH = Bench(
    roster=ROSTER, catalogue=Catalogue(services=(Service(name="checkout", project="shop/checkout"),))
)

on_sqlite = pytest.mark.parametrize("world", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("world", ["postgresql"], indirect=True)


@dataclass
class TestClock:
    """A clock that only tests move."""

    __test__ = False
    ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.ms

    def pass_ms(self, ms: int) -> None:
        self.ms += ms


@dataclass
class CountedIds:
    """Ids and secrets that come in order."""

    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self.counter):026d}"

    def secret(self) -> str:
        return f"{next(self.counter):043d}"


@dataclass
class World:
    """Everything a store needs, and the actions of a test."""

    folder: Path
    clock: TestClock = field(default_factory=TestClock)
    ids: CountedIds = field(default_factory=CountedIds)
    after: Callable[[str], None] | None = None
    limit: int = 2000
    busy_s: float = 5
    cluster: Cluster | None = None
    """Where the database is on PostgreSQL; without one it is a SQLite file in `folder`."""
    name: str = ""
    user: str = "loopgate"
    memory: Remembered | None = None

    @property
    def url(self) -> str:
        if self.cluster:
            return self.cluster.url(self.name, self.user)
        return f"sqlite:///{self.folder / 'loopgate.db'}"

    def log(self) -> Log:
        sources = Sources(
            clock_ms=self.clock.now_ms,
            new_id=lambda: self.ids.new("evt"),
            new_nonce=lambda: f"{next(self.ids.counter):032x}",
            new_salt=self.ids.secret,
            remembered=self.memory.notes if self.memory else tuple,
        )
        return Log(
            ORIGIN, Ed25519Signer.from_seed(bytes(32)), Ed25519Signer.from_seed(bytes([1] * 32)), sources
        )

    def create(self) -> None:
        """A new database; a copy of one that was made once, because migrating takes a while."""
        if self.cluster:
            self.name = self.cluster.new(_fresh_template(self.cluster))
        else:
            (self.folder / "loopgate.db").write_bytes(_fresh_database())

    @property
    def kind(self) -> str:
        return "postgresql" if self.cluster else "sqlite"

    def run(self, script: str) -> None:
        """Run SQL behind the gateway's back."""
        if self.cluster:
            self.cluster.run(script, self.name)
            return
        with closing(sqlite3.connect(self.folder / "loopgate.db")) as connection:
            connection.executescript(script)
            connection.commit()

    def unguard(self, table: str) -> None:
        """Take the triggers away that refuse changes of a table of the log."""
        if self.cluster:
            self.run(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        else:
            self.run(f"DROP TRIGGER {table}_no_update; DROP TRIGGER {table}_no_delete")

    def bytes(self) -> bytes:
        """Everything that is stored, as bytes in which a value can be looked for."""
        if self.cluster:
            return self.cluster.dump(self.name)
        return b"".join(p.read_bytes() for p in self.folder.iterdir())

    def migrate(self) -> None:
        """A new database, made the long way."""
        genesis.create(self.url, self.log(), policy_digest=POLICY, roster_digest="b" * 64)

    def boot(self) -> Store:
        sources = StoreSources(
            clock=self.clock,
            ids=self.ids,
            new_secret=self.ids.secret,
            bench=lambda: BENCH,
            memory=self.memory,
        )
        return genesis.boot(
            self.url, self.log(), sources, limit=self.limit, busy_s=self.busy_s, after=self.after
        )

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = self.boot()
        try:
            yield store
        finally:
            store.close()

    def action(
        self,
        kind: ActionType = ActionType.ISSUE_COMMENT,
        *,
        key: str | None = None,
        params: dict[str, Any] | None = None,
        agent: str = AGENT,
        **aims: Any,
    ) -> Action:
        given = params if params is not None else {"body": "Looks good to me."}
        aim = {
            "project": "shop/checkout",
            **({"issue": "7"} if kind is ActionType.ISSUE_COMMENT else {}),
            **aims,
        }
        return Action(
            id=self.ids.new("act"),
            type=kind,
            target=Target(system=System.GITLAB, **aim),
            params=params_model(kind).model_validate(given),
            intent="Say that the upgrade of openssl works.",
            agent=agent,
            on_behalf_of=OWNER,
            door=Door.REST,
            trace="trc_1",
            created_ms=self.clock.now_ms(),
            idempotency_key=key,
        )

    def judge(
        self,
        action: Action,
        *,
        findings: tuple[Finding, ...] = (),
        reserve: tuple[Reservation, ...] = (),
        policy: str = POLICY,
    ) -> Judgement:
        clauses = tuple(c for f in findings for c in f.clauses)
        effects = {f.effect for f in findings}
        effect = next((e for e in (Effect.DENY, Effect.REQUIRE_APPROVAL) if e in effects), Effect.ALLOW)
        ruling = Ruling(
            id=self.ids.new("rul"),
            action_id=action.id,
            effect=effect,
            findings=findings,
            reserve=reserve,
            clauses=clauses,
            policy=PolicyVersion(digest=policy, revision="test", engine="wasm", engine_version="1.22.2"),
            input_digest="c" * 64,
            judged_ms=self.clock.now_ms(),
        )
        facts = facts_at(self.clock.now_ms())
        question = ask(action, facts, None, ruling)
        document = {"action": {"intent": action.intent}, "ratio": 0.5}
        return Judgement(
            action=action, facts=facts, blast=None, document=document, ruling=ruling, question=question
        )

    def hold(self, action: Action, *, superseded: Ticket | None = None, **more: Any) -> Hold:
        given = {"findings": (asking(),), **more}
        judgement = self.judge(action, **given)
        ticket = open_ticket(
            judgement,
            self.ids.new("tkt"),
            now_ms=self.clock.now_ms(),
            ttl_ms=8 * 3_600_000,
            predecessor=superseded,
        )
        own = superseded if superseded and superseded.action_id == action.id else None
        return Hold(judgement=judgement, ticket=ticket, superseded=own)

    def start(self, action: Action, ticket: Ticket | None = None, **more: Any) -> Start:
        given = {"findings": (asking(),) if ticket else (), **more}
        judgement = self.judge(action, **given)
        permit: Permit = grant(judgement, ticket, BENCH)
        return Start(judgement=judgement, permit=permit, preparation=Preparation(marker="lg-0123"))

    def deny(self, action: Action, code: str = "PATH-001") -> Deny:
        return Deny(judgement=self.judge(action, findings=(denying(code),)))

    def wait(self, action: Action, until_ms: int | None = None, ticket: Ticket | None = None) -> Wait:
        finding = denying("TIME-001", Retry.WAIT_UNTIL)
        return Wait(judgement=self.judge(action, findings=(finding,)), until_ms=until_ms, ticket=ticket)

    def supersede(self, action: Action, ticket: Ticket) -> Supersede:
        return Supersede(judgement=self.judge(action, findings=(asking(),)), ticket=ticket)


def facts_at(now_ms: int) -> Facts:
    usage = UsageFacts(actions_hour=0, actions_day=0, open_merge_requests=0, held_tickets=0)
    agent = AgentFacts(
        id=AGENT, owner=OWNER, tier="contributor", status="active", branch_prefix="agent/", usage=usage
    )
    moment = ContextFacts(now_ms=now_ms, local_weekday=1, local_minute=600, clock_ok=True, door="rest")
    return Facts(agent=agent, context=moment)


def asking(code: str = "BLAST-001", *clauses: Clause, **facts: Any) -> Finding:
    return Finding(
        code=code,
        effect=Effect.REQUIRE_APPROVAL,
        facts=facts or {"services": ["checkout"]},
        bound_facts=tuple(facts) or ("services",),
        clauses=clauses or (CLAUSE,),
        retry=Retry.NEEDS_APPROVAL,
        title="A service is touched",
        severity="medium",
        remediation="Ask the owner.",
        message="The service checkout is touched.",
        binding=Binding.STATE,
    )


def denying(code: str, retry: Retry = Retry.NEVER, until_ms: int | None = None) -> Finding:
    return Finding(
        code=code,
        effect=Effect.DENY,
        facts={"path": "a file with spaces.txt"},
        retry=retry,
        until_ms=until_ms,
        title="Not this",
        severity="high",
        remediation="Do something else.",
        message="That may not be changed.",
        binding=Binding.MOMENT,
    )


def reserving(budget: str = "actions", window: str = "hour", limit: int = 2, amount: int = 1) -> Reservation:
    return Reservation(budget=budget, window=window, amount=amount, limit=limit)


def vote(ticket: Ticket, voter: str = VOTERS[0], answer: str = "approve", **more: Any) -> Vote:
    given = {
        "question_digest": ticket.question_digest,
        "reason": "I read it.",
        "assurance": Assurance.TOKEN,
        **more,
    }
    return Vote.model_validate({"voter": voter, "answer": answer, "cast_ms": 0, **given})


def performed(action: Action, **result: Any) -> Finish:
    performance = Performance(result=result or {"note": 12})
    return Finish(action_id=action.id, outcome="performed", performance=performance)


def refused(action: Action) -> Finish:
    return Finish(action_id=action.id, outcome="refused", reason="403 Forbidden", retryable=False)


def in_doubt(action: Action) -> Finish:
    return Finish(action_id=action.id, outcome="in_doubt", reason="The reply was lost.")


@cache
def _fresh_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), ids=_ids_out_of_the_way())
        world.migrate()
        return (world.folder / "loopgate.db").read_bytes()


@cache
def _fresh_template(cluster: Cluster) -> str:
    world = World(Path(), ids=_ids_out_of_the_way(), cluster=cluster, name=cluster.new())
    world.migrate()
    return world.name


def _ids_out_of_the_way() -> CountedIds:
    """Ids that no test draws from the beginning."""
    return CountedIds(itertools.count(10**9))
