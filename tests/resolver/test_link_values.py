"""Targets, languages and media types: what is taken, what is refused, and what is filled in."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minting.catalogue.values import InvalidValue
from resolver.link_values import (
    LONGEST_TARGET,
    filled,
    host_of,
    language_tag,
    media_type_of,
    target_template,
    variables_of,
    with_query,
)

CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "target",
    [
        "https://nordhav.example",
        "http://nordhav.example:8080/a/{gtin}/{lot}/{serial}?t={token}&x=1#{gtin}",
        "https://Nordhav.Example/a",
        "https://[2001:db8::1]:8443/x",
        "https://192.0.2.7/x",
        "https://xn--hav-2na.example/%C3%A9?q=a%20b",
        "https://localhost/x",
        f"https://a.example/{'x' * (LONGEST_TARGET - 18)}",
    ],
)
def test_sound_targets_are_taken(target: str):
    assert target_template(f" {target} ") == target


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("javascript:alert(1)", "begins with https"),
        ("data:text/html,x", "begins with https"),
        ("//nordhav.example/x", "begins with https"),
        ("/p/{token}", "begins with https"),
        ("ftp://nordhav.example/x", "begins with https"),
        ("https:nordhav.example", "begins with https"),
        ("https:///x", "name a host"),
        ("https://a_b.example/", "name a host"),
        ("https://-a.example/", "name a host"),
        ("https://a..example/", "name a host"),
        ("https://[::1/", "name a host"),
        ("https://nordhav.example\\@evil.example/", "cannot stand in a URL"),
        ("https://nordhav.example@evil.example/", "no user"),
        ("https://{serial}.example/", "after the host"),
        ("https://{serial}", "after the host"),
        ("{serial}://nordhav.example/", "begins with https"),
        ("https://nordhav.example:{lot}/", "after the host"),
        ("https://nordhav.example:0/", "port"),
        ("https://nordhav.example:99999/", "port"),
        ("https://nordhav.example:/", "port"),
        ("https://[::1]x/", "name a host"),
        ("https://nordhav.example/{sku}", "{sku} is not known"),
        ("https://nordhav.example/{}", "{} is not known"),
        ("https://nordhav.example/{gtin", "brace"),
        ("https://nordhav.example/gtin}", "brace"),
        ("https://nordhav.example/{{gtin}}", "brace"),
        ("https://nordhav.example/a b", "' ' cannot stand"),
        ("https://nordhav.example/a\nb", "cannot stand"),
        ("https://nordhav.example/a\x00b", "cannot stand"),
        ("https://nordhav.example/é", "'é' cannot stand"),
        ("https://nordhav.example/%zz", "cannot stand"),
        ("https://nordhav.example/%{gtin}41", "'%' cannot stand"),
        ("https://nordhav.example/%2{serial}F", "'%' cannot stand"),
        ("https://bücher.example/", "ASCII form, which begins with xn--"),
        ("https://b.example:8443é/x", "ASCII form, which begins with xn--"),
        ("https://nordhav.example/<script>", "cannot stand"),
        ("https://nordhav.example/[x]", "'[' cannot stand"),
        ("https://nordhav.example/a#b#c", "'#' cannot stand"),
        (f"https://a.example/{'x' * LONGEST_TARGET}", "at most 2000"),
    ],
)
def test_unsound_targets_are_refused_with_the_reason(target: str, words: str):
    with pytest.raises(InvalidValue) as refused:
        target_template(target)
    assert words in refused.value.message


def test_values_are_filled_in_percent_encoded():
    target = target_template("https://a.example/{gtin}/{serial}?lot={lot}")
    assert variables_of(target) == {"gtin", "serial", "lot"}
    values = {"gtin": "09506000134352", "serial": "a/b%?&", "lot": "{gtin}"}
    assert filled(target, values) == (
        "https://a.example/09506000134352/a%2Fb%25%3F%26?lot=%7Bgtin%7D"
    )


@given(st.text(CSET_82, min_size=1, max_size=20), st.text(CSET_82, min_size=1, max_size=20))
def test_no_serial_or_lot_leads_anywhere_else(serial: str, lot: str):
    url = urlsplit(filled("https://a.example/x/{serial}/y?l={lot}", {"serial": serial, "lot": lot}))
    assert (url.scheme, url.netloc) == ("https", "a.example")
    assert unquote(url.path) == f"/x/{serial}/y"
    assert unquote(url.query) == f"l={lot}"


@pytest.mark.parametrize(
    ("target", "query", "whole"),
    [
        ("https://a.example/x", "", "https://a.example/x"),
        ("https://a.example", "a=1", "https://a.example?a=1"),
        ("https://a.example/x?b=2", "a=1&17=271231", "https://a.example/x?b=2&a=1&17=271231"),
        ("https://a.example/x?", "a=1", "https://a.example/x?a=1"),
        ("https://a.example/x?b=2&", "a=1", "https://a.example/x?b=2&a=1"),
        ("https://a.example/x#c?d", "a=1", "https://a.example/x?a=1#c?d"),
        ("https://a.example/x?b#c", "a=1", "https://a.example/x?b&a=1#c"),
    ],
)
def test_a_requests_query_stands_behind_the_targets_own(target: str, query: str, whole: str):
    assert with_query(target, query) == whole


def test_a_targets_host_is_compared_without_case_with_its_port_and_without():
    assert host_of("https://A.example:8443/x") == ("a.example:8443", "a.example")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("DE", "de"),
        ("pt-br", "pt-BR"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("fil", "fil"),
        ("de-1996", "de-1996"),
        ("sl-ROZAJ", "sl-rozaj"),
    ],
)
def test_language_tags_are_kept_in_their_usual_form(given: str, kept: str):
    assert language_tag(f" {given} ") == kept


@pytest.mark.parametrize("tag", ["d", "german", "de_DE", "de-", "*", "en;q=1", "de-DE-DE", "ü"])
def test_what_is_no_language_tag_is_refused(tag: str):
    with pytest.raises(InvalidValue, match="BCP 47"):
        language_tag(tag)


def test_media_types_are_kept_in_lower_case_and_html_where_none_is_given():
    assert media_type_of("") == "text/html"
    assert media_type_of("Application/LD+JSON") == "application/ld+json"
    assert media_type_of("application/vnd.gs1.x-1") == "application/vnd.gs1.x-1"


@pytest.mark.parametrize(
    "text", ["html", "text/", "/html", "text/html;q=1", "*/*", "a/b/c", "a b/c"]
)
def test_what_is_no_media_type_is_refused(text: str):
    with pytest.raises(InvalidValue, match="without parameters"):
        media_type_of(text)
