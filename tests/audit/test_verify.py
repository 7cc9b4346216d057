"""Steps 2, 3, 7 and 8 of the verifier, and what it says about good bundles."""

import base64
import json

import pytest

from audit.merkle import Frontier, leaf_hash
from audit.note import Checkpoint, sign_note
from audit.verify import Votes, verify_bundle
from tests.audit.forgery import JUDGED, OPENED, checkpoint_note, forged, problem_of
from tests.audit.world import (
    ORIGIN,
    STRANGER_KEY,
    VKEY,
    members_of,
    sealed,
    signed_line,
    verdict_on,
)

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
    start = members["checkpoint-end"] if source == "checkpoint-end" else checkpoint_note(ORIGIN, Frontier())

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


def test_a_frontier_that_leads_to_the_root_by_another_number_of_subtrees_is_refused(later: bytes) -> None:
    root = members_of(later)["checkpoint-start"].splitlines()[2].decode()

    problem = problem_of(verdict_on(_consistency(later, frontier=[root])))

    assert problem == "the frontier does not lead to the root of checkpoint-start"


def test_consistency_stands_on_one_line(later: bytes) -> None:
    members = members_of(later)
    bundle = sealed({**members, "consistency.json": members["consistency.json"] * 2})

    assert problem_of(verdict_on(bundle)) == "consistency.json is not JSON"


def test_a_forked_history_is_refused(later: bytes) -> None:
    """The log's own keys sign another past: the old checkpoint no longer fits under the new tree."""
    members = members_of(later)
    forked = Frontier.of([leaf_hash(b"%d" % number) for number in range(5)])
    hashes = {"frontier": [base64.b64encode(step).decode() for step in forked.hashes]}
    start = {**members, "checkpoint-start": checkpoint_note(ORIGIN, forked)}
    plain = {**json.loads(members["consistency.json"]), **hashes}
    written = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    verdict = verdict_on(sealed({**start, "consistency.json": written}))

    assert "tree does not extend the first one's" in problem_of(verdict)


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
