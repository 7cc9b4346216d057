"""Tokens, people, login codes, vote keys, sign-ins: shown once, checked by digest, every change an event."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.note import parse_vkey
from audit.verify import verify_bundle
from gateway.adapters.store.store import Store
from gateway.core.errors import ConflictError, NotFoundError, OutOfScopeError, UnauthenticatedError
from gateway.core.principals import Scope
from gateway.core.rulings import Assurance, Clause
from gateway.core.sign_in import sign_in_message
from gateway.core.tickets import TicketState
from gateway.core.vote_proof import vote_message
from tests.gateway.adapters.store.agreement import assert_log_and_state_agree
from tests.gateway.adapters.store.world import AGENT, OWNER, VOTERS, World, asking, vote

SCOPE = Scope(projects=("shop/*",), action_types=("issue.*",))
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()


def signed(message: bytes, key: Ed25519PrivateKey = KEY) -> str:
    return base64.b64encode(key.sign(message)).decode()


async def told(store: Store, kind: str) -> list[dict[str, Any]]:
    rows = await store.archive.events(subject=None, event_type=kind, after=None, limit=100)
    return [{"subject": r.subject, **r.leaf["data"], **r.disclosures} for r in rows]


async def registered(store: Store, person: str = VOTERS[0], key: str = PUBLIC) -> str:
    code = await store.credentials.invite(person, name="Ada Lovelace", email="ada@example.org", by=OWNER)
    return (await store.credentials.register_key(code, key)).id


async def refusal(awaitable: Any) -> str:
    with pytest.raises((UnauthenticatedError, OutOfScopeError)) as caught:
        await awaitable
    return caught.value.code


async def test_a_token_is_found_by_its_secret_and_stored_only_as_a_digest(world: World, store: Store) -> None:
    token = await store.credentials.issue(AGENT, SCOPE, door="rest", lifetime_s=60, by=OWNER)

    found = await store.credentials.token(token.secret)
    unknown = await store.credentials.token(token.secret + "0")
    dump = world.bytes()

    assert found is not None
    assert (found.id, found.principal, found.scope, found.revoked) == (token.id, AGENT, SCOPE, False)
    assert unknown is None
    assert token.secret.encode() not in dump
    assert token.id.encode() in dump


async def test_issuing_registers_an_agent_once_and_grants_each_time(store: Store) -> None:
    for _ in range(2):
        await store.credentials.issue(AGENT, SCOPE, door="rest", lifetime_s=60, by=OWNER)
    await store.credentials.issue("sys_trivy", SCOPE, door="rest", lifetime_s=60, by=OWNER)

    granted = await told(store, "access.granted")
    assert [g["principal"] for g in granted] == [AGENT, AGENT, "sys_trivy"]
    assert granted[0]["scope"] == {"projects": ["shop/*"], "action_types": ["issue.*"]}
    assert [r["subject"] for r in await told(store, "agent.registered")] == [AGENT]


async def test_revoking_is_an_event_once_and_an_unknown_token_is_said(store: Store) -> None:
    token = await store.credentials.issue(AGENT, SCOPE, door="rest", lifetime_s=60, by=OWNER)

    await store.credentials.revoke(token.id, by=OWNER)
    await store.credentials.revoke(token.id, by=OWNER)

    assert [r["subject"] for r in await told(store, "access.revoked")] == [token.id]
    found = await store.credentials.token(token.secret)
    assert found is not None
    assert found.revoked
    with pytest.raises(NotFoundError):
        await store.credentials.revoke("tok_none", by=OWNER)


async def test_names_and_addresses_are_erasable_rows_beside_the_log(store: Store) -> None:
    await store.credentials.invite(VOTERS[0], name="Ada Lovelace", email="ada@example.org", by=OWNER)
    await store.credentials.invite(VOTERS[0], name="Ada King", email="ada@example.org", by=OWNER)

    rows = await store.archive.events(subject=VOTERS[0], event_type=None, after=None, limit=9)

    assert await store.credentials.names() == {VOTERS[0]: ("Ada King", "ada@example.org")}
    assert [r.disclosures["name"] for r in rows] == ["Ada Lovelace", "Ada King"]
    assert "Ada" not in str([r.leaf for r in rows])
    assert "example.org" not in str([r.leaf for r in rows])


async def test_a_code_registers_one_key_and_is_then_used_up(store: Store) -> None:
    code = await store.credentials.invite(VOTERS[0], name="", email="", by=OWNER)

    key = await store.credentials.register_key(code, PUBLIC)

    assert key.person == VOTERS[0]
    assert await store.credentials.vote_key(key.id) == key
    assert await refusal(store.credentials.register_key(code, PUBLIC)) == "bad_code"
    assert await refusal(store.credentials.register_key("x" * 43, PUBLIC)) == "bad_code"
    facts = [p["keys"] for p in await told(store, "person.changed") if "keys" in p]
    assert facts == [[{"key_id": key.id, "role": "vote", "algorithm": "ed25519", "public_key": PUBLIC}]]


async def test_a_code_is_good_for_a_week(world: World, store: Store) -> None:
    code = await store.credentials.invite(VOTERS[0], name="", email="", by=OWNER)

    world.clock.pass_ms(7 * 24 * 3_600_000)

    assert await refusal(store.credentials.register_key(code, PUBLIC)) == "bad_code"


async def test_a_person_may_register_the_same_key_again_but_nobody_elses(store: Store) -> None:
    first = await registered(store)
    again = await registered(store)

    assert first == again
    code = await store.credentials.invite(VOTERS[1], name="", email="", by=OWNER)
    with pytest.raises(ConflictError) as caught:
        await store.credentials.register_key(code, PUBLIC)
    assert caught.value.code == "conflict"


async def test_an_answered_challenge_is_a_token_of_fifteen_minutes(world: World, store: Store) -> None:
    key_id = await registered(store)
    challenge = await store.credentials.challenge(key_id)

    token = await store.credentials.sign_in(key_id, challenge, signed(sign_in_message(key_id, challenge)))

    found = await store.credentials.token(token.secret)
    assert found is not None
    assert (found.principal, found.door) == (VOTERS[0], "rest")
    assert token.expires_ms == world.clock.ms + 15 * 60_000


async def test_a_challenge_is_good_once_for_its_key_for_a_minute(world: World, store: Store) -> None:
    key_id = await registered(store)
    credentials = store.credentials

    used = await credentials.challenge(key_id)
    await credentials.sign_in(key_id, used, signed(sign_in_message(key_id, used)))
    late = await credentials.challenge(key_id)
    world.clock.pass_ms(60_000)
    forged = await credentials.challenge(key_id)
    stranger = Ed25519PrivateKey.from_private_bytes(bytes([9] * 32))

    for challenge in (used, late, "y" * 43):
        answer = signed(sign_in_message(key_id, challenge))
        assert await refusal(credentials.sign_in(key_id, challenge, answer)) == "unauthenticated"
    answer = signed(sign_in_message(key_id, forged), stranger)
    assert await refusal(credentials.sign_in(key_id, forged, answer)) == "unauthenticated"


async def test_an_unknown_key_gets_a_challenge_that_nothing_answers(store: Store) -> None:
    challenge = await store.credentials.challenge("key_unknown")

    answer = signed(sign_in_message("key_unknown", challenge))

    assert len(challenge) == 43
    assert await refusal(store.credentials.sign_in("key_unknown", challenge, answer)) == "unauthenticated"


async def test_a_failed_answer_is_counted(world: World, store: Store) -> None:
    await refusal(store.credentials.sign_in("key_unknown", "z" * 43, "AAAA"))

    world.clock.pass_ms(60_000)
    await store.sessions.flush(world.clock.ms)

    denied = await told(store, "session.denied")
    assert [(d["door"], d["code"], d["count"], d["source"]) for d in denied] == [
        ("sign_in", "unauthenticated", 1, "key_unknown")
    ]


async def test_a_jti_is_new_once_per_issuer_until_it_is_forgotten(world: World, store: Store) -> None:
    until_ms = world.clock.ms + 1000

    seen = [await store.credentials.see_once("iss", "j1", until_ms) for _ in range(2)]
    other = await store.credentials.see_once("other", "j1", until_ms)
    world.clock.pass_ms(1000)
    later = await store.credentials.see_once("iss", "j1", world.clock.ms + 1000)

    assert seen == [True, False]
    assert (other, later) == (True, True)


async def test_codes_and_challenges_are_stored_as_digests(world: World, store: Store) -> None:
    key_id = await registered(store)
    code = await store.credentials.invite(VOTERS[1], name="", email="", by=OWNER)
    challenge = await store.credentials.challenge(key_id)

    dump = world.bytes()

    assert code.encode() not in dump
    assert challenge.encode() not in dump


async def held_for_signatures(world: World, store: Store) -> Any:
    action = world.action()
    await store.ledger.admit(action)
    clause = Clause(count=1, any_of_roles=("service-owner",), assurance=Assurance.SIGNED)
    hold = world.hold(action, findings=(asking("BLAST-001", clause),))
    await store.ledger.record(hold)
    return hold.ticket


async def test_a_signed_vote_counts_and_its_leaf_verifies_itself(world: World, store: Store) -> None:
    key_id = await registered(store)
    ticket = await held_for_signatures(world, store)
    message = vote_message(ticket.id, ticket.question_digest, "approve", "I read it.")
    cast = vote(ticket, assurance=Assurance.SIGNED, key_id=key_id, signature=signed(message))

    counted = await store.desk.cast(ticket.id, cast)

    assert counted.state is TicketState.APPROVED
    leaf = (await told(store, "approval.voted"))[0]
    assert (leaf["ticket"], leaf["key_id"], leaf["signature"]) == (ticket.id, key_id, signed(message))
    assert leaf["reason"] == "I read it."
    assert leaf["question_digest"] == ticket.question_digest
    bundle = await store.archive.export(0, None, by=OWNER)
    verdict = verify_bundle(bundle.content, [parse_vkey((await store.archive.keys())["vkey"])])
    assert verdict.ok, verdict
    assert verdict.votes.self_verifying == 1


async def test_a_token_vote_does_not_fill_a_clause_that_asks_for_signatures(
    world: World, store: Store
) -> None:
    ticket = await held_for_signatures(world, store)

    counted = await store.desk.cast(ticket.id, vote(ticket))

    assert counted.state is TicketState.OPEN


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": "I did not read it."},
        {"answer": "reject"},
        {"voter": VOTERS[1]},
        {"key_id": "key_unknown"},
        {"key_id": None},
        {"signature": None},
        {"signature": "AAAA"},
        {"assurance": Assurance.WEBAUTHN},
    ],
)
async def test_a_vote_whose_proof_does_not_hold_is_refused_and_leaves_nothing(
    world: World, store: Store, changed: dict[str, Any]
) -> None:
    key_id = await registered(store)
    ticket = await held_for_signatures(world, store)
    message = vote_message(ticket.id, ticket.question_digest, "approve", "I read it.")
    good = vote(ticket, assurance=Assurance.SIGNED, key_id=key_id, signature=signed(message))

    code = await refusal(store.desk.cast(ticket.id, good.model_copy(update=changed)))

    assert code == "bad_assertion"
    after = await store.desk.ticket(ticket.id)
    assert after is not None
    assert after.votes == ()
    await assert_log_and_state_agree(store)
