"""What a request's headers prefer among several links."""

import pytest

from resolver.link_values import HTML
from resolver.negotiation import JSON, JSON_LD, LINKSET, best, media_ranges, wishes_of

PDF = "application/pdf"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def wishes(accept: str = "", languages: str = ""):
    return wishes_of({"HTTP_ACCEPT": accept, "HTTP_ACCEPT_LANGUAGE": languages})


def chosen(options, accept: str = "", languages: str = ""):
    asked = wishes(accept, languages)
    return best(options, lambda one: asked.rank(*one))


def test_ranges_are_read_with_their_weights():
    assert media_ranges("text/html, application/*;q=0.5 , */*; q=0.1") == (
        ("text/html", 1.0),
        ("application/*", 0.5),
        ("*/*", 0.1),
    )


@pytest.mark.parametrize("accept", ["", ",", "html", "a/b/c", ";q=1", "x" * 5000])
def test_an_unreadable_accept_header_says_nothing(accept: str):
    assert media_ranges(accept) == ()
    assert wishes(accept).media_weight(PDF) == 1.0


@pytest.mark.parametrize("weight", ["2", "-1", "x", "nan", "inf", ""])
def test_an_unreadable_weight_counts_as_none(weight: str):
    assert wishes(f"{PDF};q={weight}, {HTML};q=0.1").media_weight(PDF) == 0


def test_the_closest_range_counts():
    asked = wishes("*/*;q=0.1, text/*;q=0.5, text/html;q=0.2")
    assert [asked.media_weight(one) for one in (HTML, "text/csv", PDF)] == [0.2, 0.5, 0.1]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", HTML),
        ("*/*", HTML),
        (BROWSER, HTML),
        (PDF, PDF),
        (f"{PDF}, text/html;q=0.9", PDF),
        (f"{PDF};q=0.2, text/html;q=0.9", HTML),
        ("image/png", HTML),
    ],
)
def test_a_format_is_chosen_by_weight_and_html_where_it_is_left_open(accept, expected):
    assert chosen([(PDF, ""), (HTML, "")], accept) == [(expected, "")]


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("fr-FR", "fr-FR"),
        ("fr", "fr-FR"),
        ("fr;q=0.3, de;q=0.7", "de"),
        ("fr, de", "fr-FR"),
        ("ja", ""),
        ("", ""),
        ("*", ""),
        ("ja, *;q=0.1", ""),
        ("ja, de;q=0.1", "de"),
        ("garbage;;;", ""),
        ("de;q=0", ""),
    ],
)
def test_a_language_is_chosen_by_weight_else_the_link_for_any(languages, expected):
    options = [(HTML, "de"), (HTML, "fr-FR"), (HTML, "")]
    assert chosen(options, BROWSER, languages) == [(HTML, expected)]


def test_a_closer_tag_wins_over_its_language():
    options = [(HTML, "pt"), (HTML, "pt-BR"), (HTML, "pt-PT")]
    assert chosen(options, languages="pt-BR") == [(HTML, "pt-BR")]
    assert chosen(options, languages="pt") == [(HTML, "pt")]
    assert chosen(options, languages="pt-AO") == [(HTML, "pt")]
    assert chosen(options[1:], languages="pt") == options[1:]


def test_a_language_that_is_named_is_not_meant_by_the_star():
    options = [(HTML, "zh"), (HTML, "fil")]
    assert chosen(options, languages="*, zh;q=0") == [(HTML, "fil")]
    assert chosen(options, languages="*, zh;q=0.5") == [(HTML, "fil")]
    assert chosen(options, languages="zh;q=0.5, *;q=0.1") == [(HTML, "zh")]
    assert chosen([(HTML, "pt-BR"), (HTML, "pt")], languages="pt, pt-BR;q=0") == [(HTML, "pt")]


def test_what_suits_alike_stays_together_and_nothing_is_excluded():
    options = [(HTML, "de"), (HTML, "fr")]
    assert chosen(options, BROWSER, "ja") == options
    assert chosen([(PDF, "de")], BROWSER, "ja") == [(PDF, "de")]
    assert chosen([]) == []


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", LINKSET),
        ("*/*", LINKSET),
        ("application/*", LINKSET),
        ("image/png", LINKSET),
        (BROWSER, HTML),
        (JSON, JSON),
        (JSON_LD, JSON_LD),
        (f"{JSON}, text/plain, */*", JSON),
        (f"{JSON};q=0.5, {LINKSET}", LINKSET),
    ],
)
def test_a_list_of_links_comes_in_the_form_that_is_preferred(accept, form):
    assert wishes(accept).linkset_form == form


@pytest.mark.parametrize(
    ("accept", "is_asked"),
    [
        ("", False),
        ("*/*", False),
        ("application/*", False),
        (BROWSER, False),
        (LINKSET, True),
        (JSON, True),
        (f"{JSON}, text/html", False),
        (f"{JSON}, text/html;q=0.5", True),
        (f"{LINKSET};q=0", False),
    ],
)
def test_a_list_is_asked_for_only_by_its_own_name(accept, is_asked):
    assert wishes(accept).prefers_linkset_to(HTML) is is_asked


def test_a_list_is_weighed_against_what_a_link_leads_to():
    asked = wishes(f"{LINKSET}, {PDF};q=0.1, {JSON};q=0.1")
    assert asked.prefers_linkset_to(PDF)
    assert asked.prefers_linkset_to(JSON)
    assert not wishes(f"{JSON}, {PDF}").prefers_linkset_to(PDF)
