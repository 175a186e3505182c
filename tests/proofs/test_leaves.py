"""Leaves and salts: what is hashed of a unit, and that nobody can guess it."""

from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given
from hypothesis import strategies as st

from minting.proofs.leaves import SALT_BYTES, leaf_data, leaf_hashes, salts_of
from minting.proofs.merkle import leaf_hash

PRODUCT, PASSPORT = UUID(int=7), bytes(range(32))
KEY = bytes(range(100, 132))


def test_a_leaf_has_version_product_passport_salt_and_code_in_this_order():
    salt = bytes(range(200, 216))
    data = leaf_data(
        product_id=PRODUCT, passport_sha256=PASSPORT, salt=salt, uri="https://é.example/1"
    )
    assert data == b"\x01" + PRODUCT.bytes + PASSPORT + salt + "https://é.example/1".encode()


def test_many_leaves_are_hashed_as_one_is():
    uris = [f"https://id.example/01/09506000134352/21/{n}" for n in range(50)]
    salts = salts_of(KEY, 11, 50)
    found = leaf_hashes(
        product_id=PRODUCT,
        passport_sha256=PASSPORT,
        salts=salts,
        uris=[uri.encode() for uri in uris],
    )
    alone = [
        leaf_data(
            product_id=PRODUCT,
            passport_sha256=PASSPORT,
            salt=salts[n * SALT_BYTES : (n + 1) * SALT_BYTES],
            uri=uri,
        )
        for n, uri in enumerate(uris)
    ]
    assert found == [leaf_hash(data) for data in alone]


@given(st.integers(1, 10**6), st.integers(1, 40))
def test_a_salt_is_what_the_cipher_makes_of_the_ordinal(first, count):
    cipher = Cipher(AES(KEY), ECB()).encryptor()  # noqa: S305 - one block, to compare with
    blocks = [cipher.update(n.to_bytes(16, "big")) for n in range(first, first + count)]
    assert salts_of(KEY, first, count) == b"".join(blocks)


def test_every_unit_has_a_salt_of_its_own_and_another_batch_has_others():
    salts = salts_of(KEY, 1, 5_000)
    assert len({salts[at : at + 16] for at in range(0, len(salts), 16)}) == 5_000
    assert salts_of(bytes(32), 1, 1) != salts[:16]
