"""The tree: as RFC 6962 defines it, with paths that lead to the root from one leaf alone."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minting.proofs.merkle import (
    CHUNK,
    PathRefused,
    chunk_roots,
    leaf_hash,
    node_hash,
    path_in_chunks,
    path_of,
    root_by_path,
    root_of,
)

# The leaves with which implementations of certificate transparency check each other, and the root
# of the first one, the first two, and so on.
LEAVES = [
    *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
    "606162636465666768696a6b6c6d6e6f",
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
sizes = st.one_of(
    st.integers(1, 70),
    st.integers(CHUNK - 3, CHUNK + 3),
    st.integers(2 * CHUNK - 2, 3 * CHUNK + 2),
)


def hashes(size: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(size)]


def defined(leaves: list[bytes]) -> bytes:
    """The root as section 2.1 writes it down: split at the largest power of two below the size."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(defined(leaves[:split]), defined(leaves[split:]))


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_that_others_publish(size):
    leaves = [leaf_hash(bytes.fromhex(text)) for text in LEAVES[:size]]
    assert root_of(leaves).hex() == ROOTS[size - 1]


def test_an_empty_tree_has_the_hash_of_nothing():
    assert root_of([]) == sha256(b"").digest()


@given(sizes)
@settings(deadline=None, max_examples=60)
def test_the_root_is_the_defined_one_and_chunks_change_nothing(size):
    leaves = hashes(size)
    assert root_of(leaves) == defined(leaves) == root_of(chunk_roots(leaves))


@given(sizes, st.data())
@settings(deadline=None, max_examples=150)
def test_a_path_leads_from_its_leaf_to_the_root(size, data):
    leaves, index = hashes(size), data.draw(st.integers(0, size - 1))
    path = path_of(leaves, index)
    assert root_by_path(leaves[index], index, size, path) == root_of(leaves)
    chunk = index // CHUNK * CHUNK
    assert path_in_chunks(leaves[chunk : chunk + CHUNK], chunk_roots(leaves), index) == path


@given(sizes, st.data())
@settings(deadline=None, max_examples=150)
def test_no_other_leaf_place_or_path_leads_there(size, data):
    leaves, index = hashes(size), data.draw(st.integers(0, size - 1))
    path, root = path_of(leaves, index), root_of(leaves)
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index)) if size > 1 else None
    wrong = [
        (leaf_hash(b"another"), index, path),
        (leaves[index], index, [*path, leaves[0]]),
        *([(leaves[index], index, path[:-1])] if path else []),
        *([(leaves[other], index, path)] if other is not None else []),
        *([(leaves[index], other, path)] if other is not None else []),
    ]
    for leaf, place, way in wrong:
        try:
            found = root_by_path(leaf, place, size, way)
        except PathRefused:
            continue
        assert found != root


@pytest.mark.parametrize("index", [-1, 5])
def test_a_place_outside_the_tree_is_refused(index):
    with pytest.raises(IndexError):
        path_of(hashes(5), index)
    with pytest.raises(PathRefused, match="has none at"):
        root_by_path(leaf_hash(b""), index, 5, [])


def test_a_node_is_never_a_leaf():
    left, right = hashes(2)
    assert leaf_hash(left + right) != node_hash(left, right)
