"""Bundles that are wrong in one way and otherwise signed by the right keys."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from audit.keys import Ed25519Signer, KeyFact, KeyRole
from audit.merkle import Frontier, leaf_hash
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
        "checkpoint-end": checkpoint_note(origin, tree),
        "consistency.json": consistency_member(Frontier(), tree.size, ()),
        "disclosures.jsonl": b"",
        "events.dsse.jsonl": b"".join(lines),
        "keys.jsonl": b"",
    }
    return sealed(members, (0, tree.size))


def checkpoint_note(origin: str, tree: Frontier, signer: Ed25519Signer = CHECKPOINT_KEY) -> bytes:
    return sign_note(Checkpoint(origin, tree.size, tree.root()).body, ORIGIN, signer).encode()


def problem_of(verdict: Verdict) -> str:
    assert not verdict.ok
    return str(verdict.first_problem)
