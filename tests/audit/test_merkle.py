"""The tree is that of RFC 6962, and its proofs prove what they should and nothing else."""

import random
from hashlib import sha256

import pytest

from kynara_lang.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_ranges,
    inclusion_ranges,
    is_consistent,
    leaf_hash,
    range_roots,
    root_of_inclusion,
)

# The test vectors of Certificate Transparency (certificate-transparency-go, merkletree).
INPUTS = [
    bytes.fromhex(t)
    for t in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def plain_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + plain_root(leaves[:k]) + plain_root(leaves[k:])).digest()


def plain_path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*plain_path(m, leaves[:k]), plain_root(leaves[k:])]
    return [*plain_path(m - k, leaves[k:]), plain_root(leaves[:k])]


def plain_subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [plain_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*plain_subproof(m, leaves[:k], whole), plain_root(leaves[k:])]
    return [*plain_subproof(m - k, leaves[k:], False), plain_root(leaves[:k])]


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def root_of(leaves: list[bytes]) -> bytes:
    tree = Frontier()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def test_the_published_roots() -> None:
    tree = Frontier()
    assert (
        tree.root() == EMPTY_ROOT == bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    )
    for content, root in zip(INPUTS, ROOTS, strict=True):
        tree.add(leaf_hash(content))
        assert tree.root().hex() == root


def test_roots_and_proofs_are_those_of_the_definition() -> None:
    for size in range(1, 34):
        leaves = leaves_of(size)
        root = plain_root(leaves)
        assert root_of(leaves) == root
        for index in range(size):
            proof = range_roots(inclusion_ranges(index, size), leaves)
            assert proof == plain_path(index, leaves)
            assert root_of_inclusion(index, size, leaves[index], proof) == root
        for old in range(1, size + 1):
            proof = range_roots(consistency_ranges(old, size), leaves)
            assert proof == plain_subproof(old, leaves, True)
            assert is_consistent(old, size, plain_root(leaves[:old]), root, proof)


def test_a_frontier_goes_on_where_it_was_kept() -> None:
    leaves = leaves_of(21)
    tree = Frontier()
    for at, leaf in enumerate(leaves):
        again = Frontier(tree.size, tree.roots)
        for later in leaves[at:]:
            again.add(later)
        assert again.root() == plain_root(leaves)
        tree.add(leaf)
    copy = tree.copy()
    copy.add(leaves[0])
    assert tree.root() == plain_root(leaves)


@pytest.mark.parametrize(("size", "roots"), [(1, []), (2, [b"x" * 32] * 2), (3, [b"x" * 32, b"y"])])
def test_a_frontier_that_cannot_be_is_refused(size: int, roots: list[bytes]) -> None:
    with pytest.raises(ValueError, match="roots"):
        Frontier(size, roots)


def test_wrong_proofs_prove_nothing() -> None:
    chance = random.Random(3)
    for _ in range(600):
        size = chance.randint(2, 40)
        leaves, index, old = leaves_of(size), chance.randrange(size), chance.randint(1, size)
        root, old_root = plain_root(leaves), plain_root(leaves[:old])
        proof = range_roots(inclusion_ranges(index, size), leaves)
        other = chance.choice([i for i in range(size) if i != index])
        assert root_of_inclusion(index, size, leaves[other], proof) != root
        assert root_of_inclusion(other, size, leaves[index], proof) != root
        assert root_of_inclusion(index, size, leaves[index], [*proof, root]) is None
        assert root_of_inclusion(index, size, leaves[index], proof[:-1]) is None
        consistency = range_roots(consistency_ranges(old, size), leaves)
        wrong = [*consistency]
        if wrong:
            wrong[chance.randrange(len(wrong))] = leaf_hash(b"wrong")
            assert not is_consistent(old, size, old_root, root, wrong)
            assert not is_consistent(old, size, old_root, root, consistency[:-1])
        assert not is_consistent(old, size, leaf_hash(b"wrong"), root, consistency)
        assert not is_consistent(old, size, old_root, leaf_hash(b"wrong"), consistency)


def test_impossible_questions() -> None:
    assert root_of_inclusion(3, 3, b"", []) is None
    assert root_of_inclusion(-1, 3, b"", []) is None
    assert not is_consistent(4, 3, b"", b"", [])
    assert is_consistent(0, 3, EMPTY_ROOT, b"any", [])
    assert not is_consistent(0, 3, b"other", b"any", [])
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_ranges(3, 3)
    with pytest.raises(ValueError, match="larger"):
        consistency_ranges(4, 3)
    with pytest.raises(ValueError, match="fewer leaves"):
        range_roots([(0, 4)], leaves_of(3))
