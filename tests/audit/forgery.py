"""Bundles that are wrong in one way and otherwise signed by the right keys."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from audit.archive import json_line
from audit.entries import certificate_line
from audit.keys import Ed25519Signer, KeyFact, KeyRole
from audit.merkle import Frontier, consistency_proof, inclusion_proof, leaf_hash, subtree_of
from audit.note import Checkpoint, sign_note
from audit.verify import Verdict, consistency_member
from tests.audit.world import CHECKPOINT_KEY, EVENT_KEY, ORIGIN, members_of, sealed, signed_line

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
    first: int = 0,
) -> bytes:
    """A bundle whose tree and signatures are right, whatever the leaves say.

    What a gateway could write that holds both keys, or a careless one: only the content can be wrong.
    The leaves before `first` become certificates.
    """
    bodies = [leaf if isinstance(leaf, bytes) else json.dumps(leaf).encode() for leaf in leaves]
    by = [*signers, *[EVENT_KEY] * (len(bodies) - len(signers))]
    lines = [
        signed_line(place, body, signer) for place, (body, signer) in enumerate(zip(bodies, by, strict=True))
    ]
    members = {name: content for name, content in members_of(template).items() if name != "checkpoint-start"}
    members |= _tree_members([leaf_hash(body) for body in bodies], lines[:first], origin)
    members |= {"disclosures.jsonl": b"", "events.dsse.jsonl": b"".join(lines[first:])}
    return sealed(members, (first, len(bodies)))


def _tree_members(hashes: Sequence[bytes], earlier: Sequence[bytes], origin: str) -> dict[str, bytes]:
    """Checkpoints, consistency and certificates that are right."""
    start, end, subtree = Frontier.of(hashes[: len(earlier)]), Frontier.of(hashes), subtree_of(hashes)
    certificates = [
        json_line(certificate_line(json.loads(line), inclusion_proof(place, end.size, subtree)))
        for place, line in enumerate(earlier)
    ]
    proof = consistency_proof(start.size, end.size, subtree)
    return {
        "checkpoint-end": checkpoint_note(origin, end),
        "consistency.json": consistency_member(start, end.size, proof),
        "keys.jsonl": b"".join(certificates),
        **({"checkpoint-start": checkpoint_note(origin, start)} if earlier else {}),
    }


def checkpoint_note(origin: str, tree: Frontier, signer: Ed25519Signer = CHECKPOINT_KEY) -> bytes:
    return sign_note(Checkpoint(origin, tree.size, tree.root()).body, ORIGIN, signer).encode()


def problem_of(verdict: Verdict) -> str:
    assert not verdict.ok
    return str(verdict.first_problem)
