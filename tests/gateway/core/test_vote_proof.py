"""What a vote signs, byte for byte, and that nothing else verifies."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.sign_in import sign_in_message
from gateway.core.vote_proof import verify_signature, verify_vote, vote_message

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
DIGEST = "a" * 64
SIGNATURE = base64.b64encode(KEY.sign(vote_message("tkt_1", DIGEST, "approve", "fine"))).decode()


def holds(**changes: str) -> bool:
    """Whether the signature verifies for this vote, with some of it changed."""
    said = {
        "public_key": PUBLIC,
        "signature": SIGNATURE,
        "ticket": "tkt_1",
        "question_digest": DIGEST,
        "reason": "fine",
        **changes,
    }
    answer = "reject" if said.pop("answer", "approve") == "reject" else "approve"
    return verify_vote(
        said["public_key"],
        said["signature"],
        ticket=said["ticket"],
        question_digest=said["question_digest"],
        answer="reject" if answer == "reject" else "approve",
        reason=said["reason"],
    )


def test_the_message_is_the_documented_one() -> None:
    reason = hashlib.sha256(b"fine").hexdigest()
    text = f"loopgate-vote-v1\ntkt_1\n{DIGEST}\napprove\n{reason}\n"

    assert vote_message("tkt_1", DIGEST, "approve", "fine") == hashlib.sha256(text.encode()).digest()
    assert sign_in_message("key_1", "xyz") == hashlib.sha256(b"loopgate-sign-in-v1\nkey_1\nxyz\n").digest()


def test_a_signature_holds_for_exactly_one_vote() -> None:
    assert holds()


@pytest.mark.parametrize(
    "changes",
    [
        {"ticket": "tkt_2"},
        {"question_digest": "b" * 64},
        {"answer": "reject"},
        {"reason": "fine "},
        {"signature": base64.b64encode(bytes(64)).decode()},
        {"signature": "not base64!"},
        {"signature": "é"},
        {"signature": ""},
        {"public_key": base64.b64encode(bytes(range(1, 33))).decode()},
        {"public_key": base64.b64encode(b"short").decode()},
        {"public_key": "x"},
    ],
)
def test_it_holds_for_no_other(changes: dict[str, str]) -> None:
    assert not holds(**changes)


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    for key in (bytes(32), b"\xff" * 32):
        assert not verify_signature(base64.b64encode(key).decode(), SIGNATURE, b"x")
