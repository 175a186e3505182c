"""What we read in a code is what GS1's own engine reads there, and what it refuses we refuse."""

import json
import re

from resolver.digital_link import DigitalLink, MalformedCode, NotACode, parse, parse_uri
from tests.resolver.generated_uris import generate
from tests.resolver.verdicts import COUNT, FILE, REFUSED, SEED, digest, digest_of_all

# Two things that the standard lets a resolver tolerate and the engine refuses: a slash at the end
# of the path, and a query parameter without a name.
TOLERATED = re.compile(r"/(?:[?#].*)?$|[?&]=")


def ours(uri: str) -> tuple[str, DigitalLink | None]:
    try:
        link, attributes = parse_uri(uri)
    except (NotACode, MalformedCode):
        return REFUSED, None
    pairs = [*link.pairs, *attributes.items()]
    # In this notation a bracket that belongs to a value is escaped.
    return digest(
        "".join(f"({key}){value.replace('(', chr(92) + '(')}" for key, value in pairs)
    ), link


def test_generated_codes_are_read_as_gs1s_engine_reads_them():
    kept = json.loads(FILE.read_text())
    uris = list(generate(SEED, COUNT))
    assert (kept["seed"], kept["uris"]) == (SEED, digest_of_all(uris)), "make the verdicts again"
    theirs = [kept["verdicts"][at : at + 4] for at in range(0, 4 * COUNT, 4)]
    assert COUNT / 4 < theirs.count(REFUSED) < 3 * COUNT / 4

    apart = [uri for uri, said in zip(uris, theirs, strict=True) if ours(uri)[0] != said]

    assert [uri for uri in apart if not TOLERATED.search(uri)] == []
    assert len(apart) < COUNT / 500


def test_a_sound_code_has_one_canonical_form_that_is_read_as_itself():
    links = [link for uri in generate(SEED + 1, 5_000) if (link := ours(uri)[1])]
    assert len(links) > 1_000
    for link in links:
        assert parse_uri(f"https://id.example.com{link.canonical}") == (link, {})
        assert isinstance(parse(f"/01/{link.gtin}"), DigitalLink)
