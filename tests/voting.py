"""People's vote keys in tests: one per person, always the same, so that every vote can really be signed."""

import hashlib
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.client.vote_keys import public_half, sign_vote
from gateway.core.rulings import Assurance
from gateway.core.tickets import Vote
from gateway.core.vote_proof import vote_key_id


@cache
def key_of(person: str) -> Ed25519PrivateKey:
    """That person's key."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(person.encode()).digest())


def signed(vote: Vote, ticket: str) -> Vote:
    """The vote with its voter's own signature, when it claims one; other votes as they are."""
    if vote.assurance is not Assurance.SIGNED:
        return vote
    key = key_of(vote.voter)
    signature = sign_vote(
        key,
        ticket=ticket,
        question_digest=vote.question_digest,
        answer=vote.answer,
        reason=vote.reason,
    )
    public = public_half(key)
    proof = {"key_id": vote_key_id(public), "signature": signature, "public_key": public}
    return vote.model_copy(update=proof)
