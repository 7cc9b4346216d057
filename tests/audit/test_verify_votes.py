"""Step 9 of the verifier: votes that prove themselves."""

import base64

import pytest

from audit.events import EventDraft, EventType
from audit.keys import KeyFact, KeyRole
from audit.verify import Verdict, Votes
from audit.votes import vote_key_id
from tests.audit.forgery import JUDGED, OPENED, forged, problem_of
from tests.audit.world import (
    PERSON_KEY,
    STRANGER_KEY,
    World,
    bundle_of,
    draft,
    keys_draft,
    verdict_on,
    vote_draft,
)


def _with_vote(world: World, vote: EventDraft) -> Verdict:
    person = KeyFact.of(PERSON_KEY.public, KeyRole.VOTE)
    world.append(keys_draft(EventType.PERSON_CHANGED, person), draft(1), vote)
    world.checkpoint()
    return verdict_on(bundle_of(world))


@pytest.mark.parametrize("answer", ["approve", "reject"])
def test_a_signed_vote_proves_itself(log_world: World, answer: str) -> None:
    assert _with_vote(log_world, vote_draft(answer=answer)).votes == Votes(self_verifying=1)


@pytest.mark.parametrize(
    "change",
    [
        {"answer": "reject"},
        {"ticket": "tkt_2"},
        {"question_digest": "d" * 64},
        {"reason_sha256": "0" * 64},
        {"reason_sha256": None},
        {"signature": ""},
        {"signature": None},
        {"signature": "?"},
        {"signature": base64.b64encode(bytes(64)).decode()},
    ],
)
def test_a_vote_that_its_person_did_not_sign_so_is_refused(
    log_world: World, change: dict[str, object]
) -> None:
    honest = vote_draft()
    forged_vote = honest.model_copy(update={"data": {**honest.data, **change}})

    problem = problem_of(_with_vote(log_world, forged_vote))

    assert problem == "leaf 3: the vote's signature does not fit it"


def test_a_vote_counts_for_the_person_whose_key_signed_it(log_world: World) -> None:
    vote = vote_draft()

    own = vote.model_copy(update={"data": {**vote.data, "voter": "prn_alice"}})

    assert _with_vote(log_world, own).votes == Votes(self_verifying=1)


def test_a_key_that_a_second_person_registers_takes_nothing_from_the_first(log_world: World) -> None:
    fact = KeyFact.of(PERSON_KEY.public, KeyRole.VOTE)
    first = keys_draft(EventType.PERSON_CHANGED, fact)
    vote = vote_draft()
    votes = [
        vote.model_copy(update={"data": {**vote.data, "voter": f"prn_{name}"}}) for name in ("alice", "bob")
    ]
    log_world.append(first, first.model_copy(update={"subject": "prn_bob"}))
    log_world.checkpoint()
    log_world.append(*votes)
    log_world.checkpoint()

    for start in (0, 3):
        assert verdict_on(bundle_of(log_world, start)).votes == Votes(self_verifying=2)


def test_a_vote_signed_by_another_persons_key_is_refused(log_world: World) -> None:
    vote = vote_draft()

    borrowed = vote.model_copy(update={"data": {**vote.data, "voter": "prn_bob"}})

    assert (
        problem_of(_with_vote(log_world, borrowed)) == "leaf 3: the vote is signed by the key of 'prn_alice'"
    )


def test_a_vote_on_what_is_no_text_is_refused(whole: bytes) -> None:
    person = {**JUDGED, "type": "loopgate.person.changed"}
    person["data"] = {"keys": [KeyFact.of(PERSON_KEY.public, KeyRole.VOTE).plain]}
    data = {**vote_draft().data, "ticket": "\ud800"}
    vote = {**JUDGED, "id": "evt_2", "time": "2026-09-21T14:13:21.000Z", "type": "loopgate.approval.voted"}

    verdict = verdict_on(forged(whole, [OPENED, person, {**vote, "data": data}]))

    assert problem_of(verdict) == "leaf 2: the vote's signature does not fit it"


def test_a_vote_by_a_key_outside_the_bundle_is_counted_as_such(log_world: World) -> None:
    verdict = _with_vote(log_world, vote_draft(signer=STRANGER_KEY))

    assert (verdict.ok, verdict.votes) == (True, Votes(key_not_in_bundle=1))


def test_a_vote_before_its_key_was_recorded_does_not_prove_itself(log_world: World) -> None:
    log_world.append(vote_draft())
    verdict = _with_vote(log_world, draft(2))

    assert (verdict.ok, verdict.votes) == (True, Votes(key_not_in_bundle=1))


def test_a_vote_without_a_signature_rests_on_the_gateways_word(log_world: World) -> None:
    assert _with_vote(log_world, vote_draft(signer=None)).votes == Votes(gateway_attested=1)


def test_a_key_under_an_id_that_is_not_its_digest_proves_nothing(log_world: World) -> None:
    other = KeyFact.of(STRANGER_KEY.public, KeyRole.VOTE)
    posing = other.model_copy(update={"key_id": PERSON_KEY.key_id})
    log_world.append(keys_draft(EventType.PERSON_CHANGED, posing))
    vote = vote_draft(signer=STRANGER_KEY)
    posed = vote.model_copy(update={"data": {**vote.data, "key_id": PERSON_KEY.key_id}})

    verdict = _with_vote(log_world, posed)

    assert problem_of(verdict) == "leaf 4: the vote's signature does not fit it"


def test_a_vote_key_may_go_by_the_short_digest(log_world: World) -> None:
    short = vote_key_id(PERSON_KEY.public)
    fact = KeyFact.of(PERSON_KEY.public, KeyRole.VOTE).model_copy(update={"key_id": short})
    log_world.append(keys_draft(EventType.PERSON_CHANGED, fact))
    vote = vote_draft()
    named = vote.model_copy(update={"data": {**vote.data, "key_id": short}})

    assert _with_vote(log_world, named).votes == Votes(self_verifying=1)
