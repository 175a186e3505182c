"""Messages of NFC tags, against the vectors NXP has published, and against everything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.private_query import split
from resolver.sun import (
    COUNTER,
    ENCRYPTED,
    FILE_DATA,
    MAC,
    PARAMETERS,
    UID,
    NotAuthentic,
    Tap,
    Unreadable,
    diversified,
    mac_of,
    parse,
    verify,
)
from tests.resolver.ntag424 import SoftTag
from tieback.tag_keys import KeySet

ZERO = bytes(16)
KEYS = KeySet(bytes(range(16)), b"nordhav shop", bytes(range(16, 32)))
OTHER_KEYS = KeySet(bytes(range(1, 17)), b"nordhav shop", bytes(range(17, 33)))


def pairs(query: str) -> tuple[tuple[str, str], ...]:
    return split(query).tag


def test_a_tags_key_is_that_of_the_application_note():
    """NXP AN10922 rev. 2.2, section 2.2.1: UID, then application and system identifier."""
    keys = KeySet(
        bytes.fromhex("00112233445566778899AABBCCDDEEFF"), bytes.fromhex("3042F54E585020416275")
    )
    key = diversified(keys, bytes.fromhex("04782E21801D80"))
    assert key.hex().upper() == "A8DD63A3B89D54B37CA802473FDA9175"


@pytest.mark.parametrize(
    ("length", "key"),
    [(16, "FEED9FBD36CDB16819A72D30BCF9240B"), (31, "21C28CD89BB3147F66C7DBD4851CAB20")],
)
def test_the_shortest_and_the_longest_input_are_padded_as_the_application_note_says(length, key):
    """Made by another implementation of AN10922, from its constants and plain AES-CBC."""
    whole = bytes(range(length))
    keys = KeySet(bytes.fromhex("00112233445566778899AABBCCDDEEFF"), whole[7:])
    assert diversified(keys, whole[:7]).hex().upper() == key


@pytest.mark.parametrize(
    ("uid", "counter", "covered", "mac"),
    [
        # NXP AN12196, sections on SUN messages; the plain one is of icedevml/sdm-backend's tests.
        ("04DE5F1EACC040", 61, "", "94EED9EE65337086"),
        ("04958CAA5C5E80", 8, "CEE9A53E3E463EF1F459635736738962&cmac=", "ECC1E7F6C6C73BF6"),
        ("041E3C8A2D6B80", 6, "", "4B00064004B0B3D3"),
    ],
)
def test_a_mac_is_that_of_the_application_note(uid: str, counter: int, covered: str, mac: str):
    made = mac_of(ZERO, bytes.fromhex(uid), counter, covered.encode())
    assert made.hex().upper() == mac


@pytest.mark.parametrize(
    ("query", "tap"),
    [
        (
            "picc_data=EF963FF7828658A599F3041510671E88&cmac=94EED9EE65337086",
            Tap("04DE5F1EACC040", 61),
        ),
        (
            (
                "picc_data=FD91EC264309878BE6345CBE53BADF40"
                "&enc=CEE9A53E3E463EF1F459635736738962&cmac=ECC1E7F6C6C73BF6"
            ),
            Tap("04958CAA5C5E80", 8),
        ),
        ("uid=041E3C8A2D6B80&ctr=000006&cmac=4B00064004B0B3D3", Tap("041E3C8A2D6B80", 6)),
    ],
)
def test_published_messages_are_read_whole(query: str, tap: Tap, monkeypatch):
    """They are of tags whose key is zero; no master key is known from which that is made."""
    monkeypatch.setattr("resolver.sun.diversified", lambda keys, uid: ZERO)
    assert verify(parse(pairs(query)), [KeySet(ZERO, b"", ZERO)]) == tap


@given(st.integers(0, 2**24 - 1), st.booleans(), st.sampled_from([0, 16, 32]))
def test_what_a_tag_writes_is_read(counter: int, is_encrypted: bool, file_bytes: int):
    tag = SoftTag(KEYS, is_encrypted=is_encrypted, file_data=bytes(file_bytes))
    message = parse(pairs(tag.tap(counter)))
    assert verify(message, [OTHER_KEYS, KEYS]) == Tap(tag.uid.hex().upper(), counter)
    with pytest.raises(NotAuthentic):
        verify(message, [OTHER_KEYS])


@given(st.data())
def test_a_message_with_any_digit_changed_is_not_authentic(data):
    query = SoftTag(KEYS, is_encrypted=data.draw(st.booleans()), file_data=bytes(16)).tap(7)
    written = list(pairs(query))
    at = data.draw(st.integers(0, len(written) - 1))
    name, value = written[at]
    place = data.draw(st.integers(0, len(value) - 1))
    digit = data.draw(st.sampled_from([d for d in "0123456789ABCDEF" if d != value[place]]))
    written[at] = (name, value[:place] + digit + value[place + 1 :])
    with pytest.raises(NotAuthentic):
        verify(parse(written), [KEYS])


def test_without_a_key_for_the_encryption_plain_messages_are_still_read():
    keys = KEYS._replace(meta_read=None)
    plain = SoftTag(KEYS, is_encrypted=False)
    assert verify(parse(pairs(plain.tap(1))), [keys]).counter == 1
    with pytest.raises(NotAuthentic):
        verify(parse(pairs(SoftTag(KEYS).tap(1))), [keys])


@pytest.mark.parametrize(
    "query",
    [
        "cmac=94EED9EE65337086",
        "picc_data=EF963FF7828658A599F3041510671E88",
        "picc_data=&cmac=",
        "picc_data=EF963FF7828658A599F3041510671E8&cmac=94EED9EE65337086",
        "picc_data=EF963FF7828658A599F3041510671E8G&cmac=94EED9EE65337086",
        "picc_data=EF963FF7828658A599F3041510671E88&cmac=94EED9EE6533708",
        "picc_data=EF963FF7828658A599F3041510671E88&cmac=94EED9EE65337086&cmac=94EED9EE65337086",
        "picc_data=EF963FF7828658A599F3041510671E88&cmac=94EED9EE65337086&uid=041E3C8A2D6B80",
        "picc_data=EF963FF7828658A599F3041510671E88&cmac=94EED9EE65337086&enc=00",
        "uid=041E3C8A2D6B80&cmac=4B00064004B0B3D3",
        "ctr=000006&cmac=4B00064004B0B3D3",
        "uid=041E3C8A2D6B8&ctr=000006&cmac=4B00064004B0B3D3",
        # 24 bytes: the LRP mode
        "picc_data=07D9CA2545881D4BFDD920BE1603268C0714420DD893A497&cmac=F9481AC7D855BDB6",
        "uid=٠٤١٢٣٤٥٦٧٨٩٠١٢&ctr=000006&cmac=4B00064004B0B3D3",
    ],
)
def test_what_no_tag_writes_is_unreadable(query: str):
    with pytest.raises(Unreadable):
        parse(pairs(query))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(PARAMETERS),
            st.text(max_size=70)
            | st.text("0123456789abcdefABCDEF", max_size=70)
            | st.binary(max_size=24).map(bytes.hex),
        ),
        max_size=7,
    )
)
def test_anything_is_read_or_refused_and_never_worse(written: list[tuple[str, str]]):
    try:
        message = parse(written)
    except Unreadable:
        return
    with pytest.raises(NotAuthentic):
        verify(message, [KEYS])


@given(st.text("picc_datamuencrt=&%0A1+?#/", max_size=60))
def test_a_query_keeps_what_is_nobodys_secret_and_nothing_else(query: str):
    private = split(query)
    texts = query.split("&")
    rest = [text for text in texts if text.partition("=")[0] not in PARAMETERS]
    assert private.passed_on == ("&".join(rest) if private.tag else query)
    assert f"&{MAC}=" not in f"&{private.passed_on}"
    assert f"&{ENCRYPTED}=" not in f"&{private.passed_on}"


@pytest.mark.parametrize(
    ("query", "passed_on", "names"),
    [
        ("a=1&picc_data=x&b=2&cmac=y", "a=1&b=2", (ENCRYPTED, MAC)),
        ("uid=1&ctr=2&enc=3&a=1&cmac=y", "a=1", (UID, COUNTER, FILE_DATA, MAC)),
        ("uid=1&ctr=2&enc=3", "uid=1&ctr=2&enc=3", ()),
        ("xcmac=1&a=cmac=2", "xcmac=1&a=cmac=2", ()),
        ("cmac", "cmac", ()),
        ("cmac&picc_data=1", "", (MAC, ENCRYPTED)),
    ],
)
def test_what_a_tag_wrote_is_taken_out(query: str, passed_on: str, names: tuple[str, ...]):
    private = split(query)
    assert private.passed_on == passed_on
    assert tuple(name for name, _ in private.tag) == names
