"""Signed URLs that the demo spoils: each in its own way, the rest untouched."""

from urllib.parse import parse_qs, urlsplit

from demo.packs import spoilt

URL = (
    "http://127.0.0.1:9000/tieback/brand/batch/full/00001.csv?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=KEY%2F20261121%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20261121T040000Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=00ff00"
)


def changed_parts(url: str) -> set[str]:
    whole, other = urlsplit(URL), urlsplit(url)
    found = set() if whole[:3] == other[:3] else {"path"}
    before, after = parse_qs(whole.query), parse_qs(other.query)
    return found | {name for name in before | after if before.get(name) != after.get(name)}


def test_each_spoilt_url_differs_in_what_its_name_says() -> None:
    changed = {name: changed_parts(url) for name, url in spoilt(URL).items()}
    assert changed == {
        "unsigned": set(parse_qs(urlsplit(URL).query)),
        "with one character of its signature changed": {"X-Amz-Signature"},
        "with a later expiry": {"X-Amz-Expires"},
        "for the manifest beside it": {"path"},
    }


def test_the_altered_signature_differs_in_one_character() -> None:
    (altered,) = (url for name, url in spoilt(URL).items() if "character" in name)
    assert altered.endswith("X-Amz-Signature=00ff01")
