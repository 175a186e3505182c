"""Facts become a description list, and nothing in them becomes markup."""

import re

from hypothesis import given
from hypothesis import strategies as st

from resolver.facts import Fact, Value
from resolver.markup import facts_html

texts = st.text(max_size=20) | st.sampled_from(["<b>", "'\"&", "a\r\nb", "\u2028<script>"])
values = st.recursive(
    st.builds(Value, texts, st.booleans()),
    lambda below: (
        st.builds(lambda some: Value(items=tuple(some)), st.lists(below, min_size=1))
        | st.builds(
            lambda some: Value(parts=tuple(Fact(label, value) for label, value in some)),
            st.lists(st.tuples(texts, below), min_size=1),
        )
    ),
    max_leaves=8,
)
KNOWN = re.compile(
    r'</?(?:div|dl|dt|dd|ul|li)>|<br>|<span dir="auto">|</span>|</a>'
    r'|<a href="[^"<>]*" rel="noopener noreferrer nofollow">'
)


@given(st.lists(st.builds(Fact, texts, values), max_size=4))
def test_the_only_markup_is_ours(facts):
    rest = KNOWN.sub("", facts_html(tuple(facts)))
    assert not set('<>"') & set(rest)
    assert "'" not in rest


def test_values_are_written_by_their_kind():
    facts = (
        Fact("Name", Value("a\nb")),
        Fact("Link", Value("https://a.example/?x=1&y=2", is_link=True)),
        Fact("List", Value(items=(Value("one"), Value("two")))),
        Fact("Parts", Value(parts=(Fact("City", Value("Oslo")),))),
    )
    assert facts_html(facts).split("\n") == [
        '<div><dt>Name</dt><dd><span dir="auto">a<br>b</span></dd></div>',
        (
            '<div><dt>Link</dt><dd><a href="https://a.example/?x=1&amp;y=2"'
            ' rel="noopener noreferrer nofollow">https://a.example/?x=1&amp;y=2</a></dd></div>'
        ),
        (
            '<div><dt>List</dt><dd><ul><li><span dir="auto">one</span></li>'
            '<li><span dir="auto">two</span></li></ul></dd></div>'
        ),
        (
            "<div><dt>Parts</dt><dd><dl><div><dt>City</dt>"
            '<dd><span dir="auto">Oslo</span></dd></div></dl></dd></div>'
        ),
    ]
