"""The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1 keeps it and adds iterative checks).

Pure: hashes in, hashes out. Whoever stores the leaves hands in a `Subtree`, a function from a
range of leaves to that range's hash, so that proofs can later be answered from stored tiles.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, Self

HASH_BYTES = 32

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962 section 2.1)."""


class Subtree(Protocol):
    """Gives the hash of the leaves `start` (included) to `end` (excluded); `start < end`."""

    def __call__(self, start: int, end: int, /) -> bytes:
        """The 32 bytes of the subtree's hash."""
        ...


def leaf_hash(body: bytes) -> bytes:
    """SHA-256(0x00 ‖ body), RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier(NamedTuple):
    """The full subtrees that make up the first `size` leaves, largest first (a compact range).

    It is all that is needed to append leaves and to know the root: one hash per bit set in `size`.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, leaf_hashes: Iterable[bytes]) -> Self:
        """The frontier of a whole list of leaf hashes."""
        return cls().extended(leaf_hashes)

    @classmethod
    def parse(cls, size: int, packed: bytes) -> Self:
        """Read what `packed` wrote; raises ValueError when size and bytes do not fit together."""
        if size < 0 or len(packed) != HASH_BYTES * size.bit_count():
            raise ValueError(f"{len(packed)} bytes are not the frontier of {size} leaves")
        hashes = (packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES))
        return cls(size, tuple(hashes))

    @property
    def packed(self) -> bytes:
        """The hashes one after another, largest subtree first."""
        return b"".join(self.hashes)

    def extended(self, leaf_hashes: Iterable[bytes]) -> Self:
        """The frontier after appending leaves: equal neighbours merge, as carries do in counting."""
        size, hashes = self.size, list(self.hashes)
        for added in leaf_hashes:
            hashes.append(added)
            size += 1
            for _ in range(_trailing_zeros(size)):
                right = hashes.pop()
                hashes.append(node_hash(hashes.pop(), right))
        return type(self)(size, tuple(hashes))

    def root(self) -> bytes:
        """The root hash of the tree, folded from the smallest subtree up."""
        if not self.hashes:
            return EMPTY_ROOT
        folded = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            folded = node_hash(left, folded)
        return folded


def _trailing_zeros(size: int) -> int:
    return (size & -size).bit_length() - 1


def subtree_of(leaf_hashes: Sequence[bytes]) -> Subtree:
    """A `Subtree` over leaf hashes in memory."""

    def hash_of(start: int, end: int, /) -> bytes:
        return Frontier.of(leaf_hashes[start:end]).root()

    return hash_of


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (RFC 6962 section 2.1)."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(index: int, size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """PATH(index, D[size]) of RFC 6962 section 2.1.1, sibling of the leaf first."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    start, end, path = 0, size, list[bytes]()
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_proof(first: int, second: int, subtree: Subtree) -> tuple[bytes, ...]:
    """PROOF(first, D[second]) of RFC 6962 section 2.1.2; empty when there is nothing to prove."""
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {first} cannot grow into one of {second}")
    if first in {0, second}:
        return ()
    start, end, path = 0, second, list[bytes]()
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    # When the old tree is itself a full subtree, the verifier knows its hash already.
    if start:
        path.append(subtree(start, end))
    return tuple(reversed(path))


def root_from_inclusion(hashed: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2); None for a proof of wrong length."""
    if not 0 <= index < size:
        return None
    node, last, folded = index, size - 1, hashed
    for sibling in proof:
        if last == 0:
            return None
        if node & 1 or node == last:
            folded = node_hash(sibling, folded)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            folded = node_hash(folded, sibling)
        node, last = node >> 1, last >> 1
    return folded if last == 0 else None


def consistency_holds(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree of `second` leaves extends that of `first` (RFC 9162 section 2.1.4.2)."""
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    if first == second:
        return not proof and first_root == second_root
    if not 0 < first < second or not proof:
        return False
    # A full old tree is not repeated in the proof, so it is put in front.
    path = [first_root, *proof] if first.bit_count() == 1 else list(proof)
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    return old == first_root and new == second_root and last == 0
