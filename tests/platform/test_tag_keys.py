"""The setting with the keys of tags: what it takes, and that no message repeats a key."""

import json
from typing import Any
from uuid import UUID

import pytest

from tieback.tag_keys import KeySet, UnsoundTagKeys, read_tag_keys

BRAND = "6f1c2f0e-0d53-4c89-9a3e-7f6f3d2a1b00"
SECRET = "00112233445566778899aabbccddeeff"
SOUND = {"file_read": SECRET, "identifier": "3042F54E585020416275", "meta_read": SECRET}


def changed(**fields: Any) -> str:
    return json.dumps({BRAND: [{**SOUND, **fields}]})


def test_keys_are_read_by_brand_in_their_order():
    text = json.dumps({BRAND: [SOUND, {**SOUND, "meta_read": None}]})
    key = bytes.fromhex(SECRET)
    identifier = bytes.fromhex("3042F54E585020416275")
    assert read_tag_keys(text) == {
        UUID(BRAND): (KeySet(key, identifier, key), KeySet(key, identifier, None))
    }


def test_an_empty_setting_holds_no_keys():
    assert read_tag_keys("") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "must be an object"),
        (json.dumps({"nordhav": [SOUND]}), "no id"),
        (json.dumps({BRAND: []}), "1 to 8 sets"),
        (json.dumps({BRAND: [SOUND] * 9}), "1 to 8 sets"),
        (json.dumps({BRAND: SOUND}), "1 to 8 sets"),
        (json.dumps({BRAND: [SECRET]}), "sets of keys with"),
        (changed(key=SECRET), "sets of keys with"),
        (changed(file_read=SECRET[:-1]), "file_read as 16 bytes"),
        (changed(file_read=SECRET + "00"), "file_read as 16 bytes"),
        (changed(file_read=None), "file_read as 16 bytes"),
        (changed(meta_read=1), "meta_read as 16 bytes"),
        (changed(identifier="00" * 8), "identifier as 9 to 24 bytes"),
        (changed(identifier="00" * 25), "identifier as 9 to 24 bytes"),
    ],
)
def test_anything_else_is_refused_without_repeating_a_key(text: str, said: str):
    with pytest.raises(UnsoundTagKeys, match=said) as refused:
        read_tag_keys(text)
    assert SECRET[:8] not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
