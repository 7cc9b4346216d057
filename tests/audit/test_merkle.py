import hashlib
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_holds,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_from_inclusion,
    subtree_of,
)

EDGES = (1, 2, 3, 255, 256, 257)
LEAVES = [b'{"n":0}', b'{"n":1}', b'{"n":2}']


def hashes_of(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


def mth(hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word: the independent side of these tests."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(mth(hashes[:split]), mth(hashes[split:]))


def test_the_vectors_of_the_specification_hold() -> None:
    hashes = [leaf_hash(leaf) for leaf in LEAVES]

    assert [hashed.hex()[:8] for hashed in hashes] == ["f94070ab", "fb5d93e6", "3d1de776"]
    assert [hashed.hex()[-4:] for hashed in hashes] == ["c036", "5f6c", "a322"]
    two, three = Frontier.of(hashes[:2]).root(), Frontier.of(hashes).root()
    assert two.hex() == "3badc80537f029e1bb77280dc85203cf2ed9748dc8f571230fcba5c326c91068"
    assert three.hex() == "2cfef7627597e00b564975774ad728ef210706759fca6d64138c6dfc1cbf2cda"


def test_the_proofs_of_the_specification_hold() -> None:
    hashes = [leaf_hash(leaf) for leaf in LEAVES]

    assert inclusion_proof(1, 3, subtree_of(hashes)) == (hashes[0], hashes[2])
    assert consistency_proof(2, 3, subtree_of(hashes)) == (hashes[2],)


def test_the_empty_tree_has_the_root_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT
    assert EMPTY_ROOT.hex().startswith("e3b0c442")


@pytest.mark.parametrize("size", EDGES)
def test_the_frontier_leads_to_the_root_of_rfc_6962(size: int) -> None:
    hashes = hashes_of(size)

    frontier = Frontier.of(hashes)

    assert frontier.root() == mth(hashes)
    assert len(frontier.hashes) == size.bit_count()
    assert Frontier.parse(size, frontier.packed) == frontier


@pytest.mark.slow
@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 70_000])
def test_large_trees_have_the_root_and_the_proofs_of_rfc_6962(size: int) -> None:
    hashes = hashes_of(size)
    root = mth(hashes)
    subtree = subtree_of(hashes)

    assert Frontier.of(hashes).root() == root
    for index in (0, 1, size // 2, 65_534, size - 1):
        proof = inclusion_proof(index, size, subtree)
        assert root_from_inclusion(hashes[index], index, size, proof) == root
    for first in (1, 256, 65_535, size - 1):
        proof = consistency_proof(first, size, subtree)
        assert consistency_holds(first, size, mth(hashes[:first]), root, proof)


@given(st.integers(0, 80), st.integers(0, 80))
def test_appending_in_any_pieces_makes_the_same_frontier(first: int, second: int) -> None:
    hashes = hashes_of(first + second)

    assert Frontier.of(hashes[:first]).extended(hashes[first:]) == Frontier.of(hashes)


@pytest.mark.parametrize("size", [*range(1, 35), 255, 256, 257])
def test_every_leaf_has_an_inclusion_proof_that_leads_to_the_root(size: int) -> None:
    hashes = hashes_of(size)
    root, subtree = mth(hashes), subtree_of(hashes)

    for index in range(size):
        proof = inclusion_proof(index, size, subtree)
        assert root_from_inclusion(hashes[index], index, size, proof) == root
        assert root_from_inclusion(leaf_hash(b"another"), index, size, proof) != root
        for longer in (*proof, bytes(32)), proof[:-1] if proof else (bytes(32), bytes(32)):
            assert root_from_inclusion(hashes[index], index, size, longer) != root


@pytest.mark.parametrize("size", [*range(1, 35), 255, 256, 257])
def test_every_earlier_tree_has_a_consistency_proof(size: int) -> None:
    hashes = hashes_of(size)
    root, subtree = mth(hashes), subtree_of(hashes)

    for first in range(size + 1):
        before = mth(hashes[:first])
        proof = consistency_proof(first, size, subtree)
        assert consistency_holds(first, size, before, root, proof)
        assert not consistency_holds(first, size, bytes(32), root, proof)
        assert first == 0 or not consistency_holds(first, size, before, bytes(32), proof)
        assert not consistency_holds(first, size, before, root, (*proof, bytes(32)))
        if proof:
            assert not consistency_holds(first, size, before, root, proof[:-1])


def test_no_two_neighbouring_trees_are_exchangeable() -> None:
    hashes = hashes_of(40)

    assert all(mth(hashes[:a]) != mth(hashes[:b]) for a, b in pairwise(range(41)))


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_a_leaf_outside_the_tree_has_no_proof(index: int) -> None:
    hashes = hashes_of(3)

    with pytest.raises(ValueError, match="not in a tree of 3"):
        inclusion_proof(index, 3, subtree_of(hashes))
    assert root_from_inclusion(hashes[0], index, 3, ()) is None


@pytest.mark.parametrize(("first", "second"), [(-1, 3), (4, 3)])
def test_a_tree_that_shrinks_has_no_proof(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="cannot grow"):
        consistency_proof(first, second, subtree_of(hashes_of(3)))
    assert not consistency_holds(first, second, bytes(32), bytes(32), (bytes(32),))


@pytest.mark.parametrize(("size", "packed"), [(-1, b""), (3, bytes(32)), (1, bytes(31)), (0, bytes(32))])
def test_a_frontier_that_does_not_fit_its_size_is_refused(size: int, packed: bytes) -> None:
    with pytest.raises(ValueError, match="are not the frontier"):
        Frontier.parse(size, packed)
