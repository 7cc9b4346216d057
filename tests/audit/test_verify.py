"""Each step of the verifier, by bundles that are wrong in one way and otherwise signed by the right keys."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from audit.events import EventDraft, EventType
from audit.keys import Ed25519Signer, KeyFact, KeyRole
from audit.merkle import Frontier, leaf_hash
from audit.note import Checkpoint, sign_note
from audit.verify import Verdict, Votes, consistency_member, verify_bundle
from tests.audit.world import (
    CHECKPOINT_KEY,
    EVENT_KEY,
    ORIGIN,
    PERSON_KEY,
    STRANGER_KEY,
    VKEY,
    World,
    bundle_of,
    draft,
    keys_draft,
    members_of,
    sealed,
    signed_line,
    verdict_on,
    vote_draft,
)

OPENED: dict[str, Any] = {
    "specversion": "1.0",
    "id": "evt_00000000",
    "source": ORIGIN,
    "type": "loopgate.log.opened",
    "time": "2026-09-21T14:13:20.000Z",
    "data": {"keys": [KeyFact.of(EVENT_KEY.public, KeyRole.EVENT).plain]},
}
JUDGED = {
    **OPENED,
    "id": "evt_00000001",
    "type": "loopgate.action.judged",
    "time": "2026-09-21T14:13:20.001Z",
    "data": {},
}


def forged(
    template: bytes,
    leaves: Sequence[Mapping[str, Any] | bytes],
    *,
    signers: Sequence[Ed25519Signer] = (),
    origin: str = ORIGIN,
) -> bytes:
    """A bundle from leaf 0 whose tree and signatures are right, whatever the leaves say.

    What a gateway could write that holds both keys, or a careless one: only the content can be wrong.
    """
    bodies = [leaf if isinstance(leaf, bytes) else json.dumps(leaf).encode() for leaf in leaves]
    tree = Frontier.of(leaf_hash(body) for body in bodies)
    by = [*signers, *[EVENT_KEY] * (len(bodies) - len(signers))]
    lines = [
        signed_line(place, body, signer) for place, (body, signer) in enumerate(zip(bodies, by, strict=True))
    ]
    members = {name: content for name, content in members_of(template).items() if name != "checkpoint-start"}
    members |= {
        "checkpoint-end": _checkpoint(origin, tree),
        "consistency.json": consistency_member(Frontier(), tree.size, ()),
        "disclosures.jsonl": b"",
        "events.dsse.jsonl": b"".join(lines),
        "keys.jsonl": b"",
    }
    return sealed(members, (0, tree.size))


def _checkpoint(origin: str, tree: Frontier, signer: Ed25519Signer = CHECKPOINT_KEY) -> bytes:
    return sign_note(Checkpoint(origin, tree.size, tree.root()).body, ORIGIN, signer).encode()


def problem_of(verdict: Verdict) -> str:
    assert not verdict.ok
    return str(verdict.first_problem)


# --- good bundles ----------------------------------------------------------------------------------


def test_a_good_bundle_gets_a_verdict_that_says_what_was_proved(whole: bytes) -> None:
    verdict = verdict_on(whole)

    assert verdict.ok
    assert verdict.first_problem is None
    assert (verdict.origin, verdict.range, verdict.entries) == (ORIGIN, (0, 12), 12)
    assert (verdict.disclosed, verdict.undisclosed) == (6, 0)
    assert verdict.votes == Votes(self_verifying=1, gateway_attested=1, key_not_in_bundle=0)
    assert verdict.unsigned == ("README.md", "verify.py")


def test_a_later_range_proves_its_keys_by_earlier_leaves(later: bytes) -> None:
    verdict = verdict_on(later)

    assert (verdict.ok, verdict.range, verdict.entries) == (True, (5, 12), 7)
    assert verdict.votes == Votes(self_verifying=1, gateway_attested=1)
    assert f"policies/{'d' * 64}.tar.gz" in verdict.unsigned


def test_a_minimal_log_that_only_says_what_it_must_is_good(whole: bytes) -> None:
    verdict = verdict_on(forged(whole, [OPENED, JUDGED]))

    assert (verdict.ok, verdict.entries) == (True, 2)


def test_a_checkpoint_may_be_cosigned_by_keys_that_are_unknown_here(whole: bytes) -> None:
    members = members_of(whole)
    text = members["checkpoint-end"].decode().partition("\n\n")[0] + "\n"
    witness = sign_note(text, "witness.example/w1", STRANGER_KEY).splitlines(keepends=True)[-1]

    assert verdict_on(sealed({**members, "checkpoint-end": members["checkpoint-end"] + witness.encode()})).ok


# --- step 2: checkpoints ---------------------------------------------------------------------------


def test_another_checkpoint_key_is_refused(whole: bytes) -> None:
    verdict = verify_bundle(whole, [STRANGER_KEY.vkey(ORIGIN)])

    assert problem_of(verdict) == "checkpoint-end: no signature on the note is by a key that is trusted"


def test_no_key_at_all_is_no_proof(whole: bytes) -> None:
    assert "no signature on the note" in problem_of(verify_bundle(whole, []))


def test_a_checkpoint_of_another_log_under_our_key_is_refused(whole: bytes) -> None:
    bundle = forged(whole, [OPENED], origin="another.example/log")

    assert "checkpoint-end is of the log 'another.example/log'" in problem_of(verdict_on(bundle))


def test_a_checkpoint_that_is_not_text_is_refused(whole: bytes) -> None:
    bundle = sealed({**members_of(whole), "checkpoint-end": b"\xff\xff"})

    assert problem_of(verdict_on(bundle)).startswith("checkpoint-end: ")


def test_the_checkpoint_of_an_empty_log_proves_nothing(whole: bytes) -> None:
    assert "nothing to verify" in problem_of(verdict_on(forged(whole, [])))


@pytest.mark.parametrize("source", ["checkpoint-end", "empty"])
def test_the_first_checkpoint_must_be_earlier_than_the_last(later: bytes, source: str) -> None:
    members = members_of(later)
    start = members["checkpoint-end"] if source == "checkpoint-end" else _checkpoint(ORIGIN, Frontier())

    verdict = verdict_on(sealed({**members, "checkpoint-start": start}))

    assert problem_of(verdict) == "the checkpoints are not an earlier and a later state of one log"


def test_checkpoints_of_two_logs_are_refused_even_when_both_keys_are_trusted(later: bytes) -> None:
    members = members_of(later)
    other = sign_note(Checkpoint("other.example/log", 5, bytes(32)).body, "other.example/log", STRANGER_KEY)
    bundle = sealed({**members, "checkpoint-start": other.encode()})

    verdict = verify_bundle(bundle, [VKEY, STRANGER_KEY.vkey("other.example/log")])

    assert problem_of(verdict) == "the checkpoints are not an earlier and a later state of one log"


# --- step 3: consistency ---------------------------------------------------------------------------


def _consistency(later: bytes, **changes: object) -> bytes:
    members = members_of(later)
    plain = {**json.loads(members["consistency.json"]), **changes}
    written = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    return sealed({**members, "consistency.json": written})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"first": 4}, "not about the sizes"),
        ({"second": 11}, "not about the sizes"),
        ({"first": True}, "not about the sizes"),
        ({"more": 1}, "not about the sizes"),
        ({"frontier": []}, "the frontier does not lead to the root of checkpoint-start"),
        ({"frontier": [base64.b64encode(bytes(32)).decode()] * 2}, "the frontier does not lead"),
        ({"proof": []}, "tree does not extend the first one's"),
        ({"proof": [base64.b64encode(bytes(32)).decode()] * 4}, "tree does not extend the first one's"),
        ({"proof": None}, "no list of hashes"),
        ({"frontier": ["AAAA"]}, "has not 32 bytes"),
    ],
)
def test_a_wrong_consistency_proof_is_refused(later: bytes, changes: dict[str, object], reason: str) -> None:
    assert reason in problem_of(verdict_on(_consistency(later, **changes)))


def test_consistency_stands_on_one_line(later: bytes) -> None:
    members = members_of(later)
    bundle = sealed({**members, "consistency.json": members["consistency.json"] * 2})

    assert problem_of(verdict_on(bundle)) == "consistency.json is not JSON"


def test_a_forked_history_is_refused(later: bytes) -> None:
    """The log's own keys sign another past: the old checkpoint no longer fits under the new tree."""
    members = members_of(later)
    forked = Frontier.of([leaf_hash(b"%d" % number) for number in range(5)])
    hashes = {"frontier": [base64.b64encode(step).decode() for step in forked.hashes]}
    start = {**members, "checkpoint-start": _checkpoint(ORIGIN, forked)}
    plain = {**json.loads(members["consistency.json"]), **hashes}
    written = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    verdict = verdict_on(sealed({**start, "consistency.json": written}))

    assert "tree does not extend the first one's" in problem_of(verdict)


# --- step 4: certificates --------------------------------------------------------------------------


def _certificates(later: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in members_of(later)["keys.jsonl"].splitlines()]


def _with_certificates(later: bytes, lines: Sequence[Mapping[str, Any]]) -> bytes:
    written = [json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n" for line in lines]
    return sealed({**members_of(later), "keys.jsonl": b"".join(written)})


def test_without_certificates_no_event_counts(later: bytes) -> None:
    problem = problem_of(verdict_on(_with_certificates(later, [])))

    assert problem == f"leaf 5: it is signed by the key '{EVENT_KEY.key_id}', which no earlier leaf certifies"


def test_an_event_key_from_outside_counts_without_certificates(later: bytes) -> None:
    verdict = verify_bundle(_with_certificates(later, []), [VKEY], [EVENT_KEY.public])

    assert verdict.ok
    assert verdict.votes == Votes(0, 1, key_not_in_bundle=1)


def test_a_certificate_that_is_not_in_the_tree_is_refused(later: bytes) -> None:
    first, second = _certificates(later)
    moved = {**first, "index": 2}

    assert "proof does not lead to the signed root" in problem_of(
        verdict_on(_with_certificates(later, [{**second, "proof": first["proof"]}]))
    )
    assert "leaf 2: its proof does not lead" in problem_of(verdict_on(_with_certificates(later, [moved])))


@pytest.mark.parametrize("indexes", [(1, 0), (0, 0), (0, 5)])
def test_certificates_are_leaves_before_the_range_in_order(later: bytes, indexes: tuple[int, int]) -> None:
    lines = [{**line, "index": index} for line, index in zip(_certificates(later), indexes, strict=True)]

    assert "is not a list of leaves before the range" in problem_of(
        verdict_on(_with_certificates(later, lines))
    )


@pytest.mark.parametrize("proof", [None, "AAAA", [7], ["AAAA"], ["A" * 43 + "=", 7], ["B" * 43 + "="]])
def test_a_certificate_without_a_proof_is_refused(later: bytes, proof: object) -> None:
    lines = [{**line, "proof": proof} for line in _certificates(later)]

    assert "keys.jsonl " in problem_of(verdict_on(_with_certificates(later, lines)))


# --- steps 5 and 6: signatures, keys and leaves ----------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"index": 0},
        {"index": 0, "envelope": None},
        {"index": 0, "envelope": {"payload": "", "signatures": []}},
        {"index": 0, "envelope": {"payload": "", "signatures": [{"sig": ""}]}},
    ],
)
def test_a_line_that_is_no_event_is_refused(whole: bytes, line: object) -> None:
    written = json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    bundle = sealed({**members_of(whole), "events.dsse.jsonl": written})

    assert problem_of(verdict_on(bundle)) == "events.dsse.jsonl holds a line that is not an event"


@pytest.mark.parametrize(
    "change",
    [
        {"index": "0"},
        {"index": False},
        {"index": 10**16},
        {"proof": []},
        {"envelope": {"payloadType": "application/vnd.another+json"}},
        {"envelope": {"signatures": [{"keyid": 7, "sig": "AAAA"}]}},
        {"envelope": {"signatures": [{"keyid": "a", "sig": "AAAA"}, {"keyid": "b", "sig": "AAAA"}]}},
    ],
)
def test_a_line_with_anything_more_or_else_is_refused(whole: bytes, change: dict[str, Any]) -> None:
    line = json.loads(members_of(whole)["events.dsse.jsonl"].splitlines()[0])
    envelope = {**line["envelope"], **change.get("envelope", {})}
    written = json.dumps({**line, **change, "envelope": envelope}, sort_keys=True, separators=(",", ":"))
    bundle = sealed({**members_of(whole), "events.dsse.jsonl": written.encode() + b"\n"})

    assert problem_of(verdict_on(bundle)) == "events.dsse.jsonl holds a line that is not an event"


def test_an_event_signed_by_a_key_that_nobody_certified_is_refused(whole: bytes) -> None:
    bundle = forged(whole, [OPENED, JUDGED], signers=[EVENT_KEY, STRANGER_KEY])

    assert f"leaf 1: it is signed by the key '{STRANGER_KEY.key_id}'" in problem_of(verdict_on(bundle))


def test_a_key_may_sign_only_after_the_leaf_that_certifies_it(whole: bytes) -> None:
    added = {
        **JUDGED,
        "type": "loopgate.key.added",
        "data": {"keys": [KeyFact.of(STRANGER_KEY.public, KeyRole.EVENT).plain]},
    }
    third = {**JUDGED, "id": "evt_00000002", "time": "2026-09-21T14:13:20.002Z"}

    after = forged(whole, [OPENED, added, third], signers=[EVENT_KEY, EVENT_KEY, STRANGER_KEY])
    itself = forged(whole, [OPENED, added], signers=[EVENT_KEY, STRANGER_KEY])

    assert verdict_on(after).ok
    assert "leaf 1: it is signed by the key" in problem_of(verdict_on(itself))


@pytest.mark.parametrize(
    ("kind", "role", "changes"),
    [
        ("loopgate.person.changed", KeyRole.EVENT, {}),
        ("loopgate.action.judged", KeyRole.EVENT, {}),
        ("loopgate.key.added", KeyRole.CHECKPOINT, {}),
        ("loopgate.key.added", KeyRole.VOTE, {}),
        ("loopgate.key.added", KeyRole.EVENT, {"algorithm": "rsa"}),
        ("loopgate.key.added", KeyRole.EVENT, {"public_key": base64.b64encode(bytes(32)).decode()}),
    ],
)
def test_only_the_right_leaf_certifies_an_event_key(
    whole: bytes, kind: str, role: KeyRole, changes: dict[str, str]
) -> None:
    fact = {**KeyFact.of(STRANGER_KEY.public, role).plain, **changes}
    claimed = {**JUDGED, "type": kind, "data": {"keys": [fact]}}
    third = {**JUDGED, "id": "evt_00000002", "time": "2026-09-21T14:13:20.002Z"}

    bundle = forged(whole, [OPENED, claimed, third], signers=[EVENT_KEY, EVENT_KEY, STRANGER_KEY])

    assert "leaf 2: it is signed by the key" in problem_of(verdict_on(bundle))


@pytest.mark.parametrize(
    "listed",
    [None, "x", [None], ["x"], [{}], [{"algorithm": "ed25519", "role": [], "key_id": {}, "public_key": 7}]],
)
def test_a_key_list_that_is_none_certifies_nothing(whole: bytes, listed: object) -> None:
    strange = {**JUDGED, "type": "loopgate.key.added", "data": {"keys": listed}}

    assert verdict_on(forged(whole, [OPENED, strange])).ok


def test_a_second_public_key_under_one_id_is_refused(whole: bytes) -> None:
    def person(number: int, signer: Ed25519Signer) -> dict[str, Any]:
        fact = {**KeyFact.of(signer.public, KeyRole.VOTE).plain, "key_id": "vk_alice"}
        leaf = {"id": f"evt_0000000{number}", "time": f"2026-09-21T14:13:20.00{number}Z"}
        return {**JUDGED, **leaf, "type": "loopgate.person.changed", "data": {"keys": [fact]}}

    bundle = forged(whole, [OPENED, person(1, PERSON_KEY), person(2, STRANGER_KEY)])

    assert "leaf 2: the key 'vk_alice' is given a second public key" in problem_of(verdict_on(bundle))


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"source": "another.example/log"},
        {"id": 7},
        {"data": None},
        {"type": "another.action.judged"},
        {"type": None},
        {"type": "loopgate.log.opened"},
        {"time": "2026-09-21T14:13:20Z"},
        {"time": None},
    ],
)
def test_a_signed_leaf_that_is_no_event_of_this_log_is_refused(
    whole: bytes, change: dict[str, object]
) -> None:
    bundle = forged(whole, [OPENED, {**JUDGED, **change}])

    assert problem_of(verdict_on(bundle)) == f"leaf 1: it is not an event of the log {ORIGIN}"


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 100_000])
def test_signed_bytes_that_are_no_event_are_refused(whole: bytes, body: bytes) -> None:
    problem = problem_of(verdict_on(forged(whole, [OPENED, body])))

    assert problem == f"leaf 1: it is not an event of the log {ORIGIN}"


def test_a_log_that_does_not_open_with_its_opening_is_refused(whole: bytes) -> None:
    verdict = verify_bundle(forged(whole, [JUDGED]), [VKEY], [EVENT_KEY.public])

    assert "leaf 0: it is not an event of the log" in problem_of(verdict)


def test_an_event_that_stands_twice_is_refused(whole: bytes) -> None:
    bundle = forged(whole, [OPENED, {**JUDGED, "id": OPENED["id"]}])

    assert problem_of(verdict_on(bundle)) == "leaf 1: its event stands in the log twice"


def test_time_that_does_not_move_forward_is_refused(whole: bytes) -> None:
    bundle = forged(whole, [OPENED, {**JUDGED, "time": OPENED["time"]}])

    assert problem_of(verdict_on(bundle)) == "leaf 1: it is not later than the leaf before it"


# --- steps 7 and 8: the tree and private values ----------------------------------------------------


def test_an_event_signed_again_after_the_checkpoint_is_refused(whole: bytes) -> None:
    """The event key was stolen: every signature is right, but the tree is another."""
    members = members_of(whole)
    lines = members["events.dsse.jsonl"].splitlines(keepends=True)
    body = base64.b64decode(json.loads(lines[9])["envelope"]["payload"]).replace(b'"allow"', b'"denys"')
    changed = b"".join([*lines[:9], signed_line(9, body), *lines[10:]])

    verdict = verdict_on(sealed({**members, "events.dsse.jsonl": changed}))

    assert problem_of(verdict) == "the events do not make the tree that the last checkpoint signs"


def test_an_event_added_after_the_checkpoint_is_refused(whole: bytes) -> None:
    members = members_of(whole)
    extra = {**JUDGED, "id": "evt_99999999", "time": "2099-01-01T00:00:00.000Z"}
    longer = members["events.dsse.jsonl"] + signed_line(12, json.dumps(extra).encode())

    verdict = verdict_on(sealed({**members, "events.dsse.jsonl": longer}))

    assert problem_of(verdict) == "leaf 12: 13 events are here, but the checkpoints span 12"


@pytest.mark.parametrize("digests", ["x", [7], None])
def test_a_list_of_digests_that_is_none_is_refused(whole: bytes, digests: object) -> None:
    bundle = forged(whole, [OPENED, {**JUDGED, "data": {"_sd": digests}}])

    assert problem_of(verdict_on(bundle)) == "leaf 1: its list of digests is not one"


# --- step 9: votes ---------------------------------------------------------------------------------


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
