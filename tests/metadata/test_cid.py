"""Content ids are what other implementations give, and have one way of being written."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minting.metadata.addresses import (
    gateway_url,
    ipfs_uri,
    is_short_id,
    short_ids,
    short_uri,
)
from minting.metadata.cid import NotACid, cid_of, is_cid_of, sha256_of

#: Given by others: the tests of go-cid's and js-multiformats' users, `ipfs add`, Pinata's manual.
GIVEN = {
    b"": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    b"hello world": "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
    b"hello": "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq",
    b"Hello World": "bafkreiffsgtnic7uebaeuaixgph3pmmq2ywglpylzwrswv5so7m23hyuny",
    b"Hello World!": "bafkreid7qoywk77r7rj3slobqfekdvs57qwuwh5d2z3sqsw52iabe3mqne",
}


@pytest.mark.parametrize(("content", "cid"), GIVEN.items())
def test_the_cid_of_bytes_is_the_one_that_others_give(content: bytes, cid: str) -> None:
    assert cid_of(content) == cid
    assert sha256_of(cid) == hashlib.sha256(content).digest()
    assert is_cid_of(cid, content)


@given(st.binary(max_size=300))
def test_every_cid_is_read_back_and_belongs_to_no_other_bytes(content: bytes) -> None:
    cid = cid_of(content)
    assert len(cid) == 59
    assert sha256_of(cid) == hashlib.sha256(content).digest()
    assert not is_cid_of(cid, content + b"x")


@given(st.text(max_size=70))
def test_what_is_no_cid_is_refused_whatever_it_is(text: str) -> None:
    with pytest.raises(NotACid):
        sha256_of(text)


def test_other_codecs_hashes_versions_and_spellings_are_refused() -> None:
    whole = cid_of(b"hello world")
    digest = hashlib.sha256(b"hello world").digest()

    def written(prefix: str) -> str:
        block = bytes.fromhex(prefix) + digest
        return "b" + base64.b32encode(block).decode().lower().rstrip("=")

    assert written("01551220") == whole
    dag_pb, sha3, version_0 = written("01701220"), written("01551620"), written("00551220")
    # The last character of base32 has bits to spare.
    twin = whole[:-1] + "f"
    for other in (
        dag_pb,
        sha3,
        version_0,
        twin,
        whole.upper(),
        f" {whole}",
        whole + "=",
        whole[1:],
    ):
        with pytest.raises(NotACid):
            sha256_of(other)
    with pytest.raises(NotACid):
        sha256_of("QmY7Yh4UquoXHLPFo2XbhXkhBvFoPwmQUSa92pxnxjQuPU")


def test_short_ids_begin_the_hash_and_grow() -> None:
    ids = list(short_ids(GIVEN[b"hello world"]))
    digest = hashlib.sha256(b"hello world").digest()
    whole = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert ids == [whole[:length] for length in (8, 12, 16, 20, 24, 28, 32, 36, 40, 43)]
    assert all(is_short_id(one) for one in ids)
    assert not any(is_short_id(text) for text in ("", "a" * 7, "a" * 44, "a/b.c-d_", "ä" * 8))


def test_addresses_are_short_where_a_chain_pays_for_them() -> None:
    cid = GIVEN[b"hello world"]
    first = next(short_ids(cid))
    assert short_uri("https://dpp.nordhav.com", first) == f"https://dpp.nordhav.com/m/{first}"
    assert len(short_uri("https://dpp.nordhav.com", first)) == 34
    assert (ipfs_uri(cid), len(ipfs_uri(cid))) == (f"ipfs://{cid}", 66)
    for gateway in (
        "https://ipfs.io",
        "https://ipfs.io/",
        "https://ipfs.io/ipfs",
        "https://ipfs.io/ipfs/",
    ):
        assert gateway_url(gateway, cid) == f"https://ipfs.io/ipfs/{cid}"
