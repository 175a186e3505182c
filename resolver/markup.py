"""Writes the facts of a passport as HTML. Pure.

A template that includes itself for every value takes several times as long.
"""

from html import escape

from django.utils.safestring import SafeString, mark_safe

from resolver.facts import Fact, Value

_LINE_BREAK = "<br>"


def block_html(title: str, facts: tuple[Fact, ...], *, has_places: bool = False) -> SafeString:
    """Return a heading and a description list; ``has_places`` gives each row a name to lead to."""
    html = f"<h2>{escape(title)}</h2>\n<dl>\n{facts_html(facts, has_places=has_places)}\n</dl>\n"
    return mark_safe(html)  # noqa: S308 - every part is escaped


def facts_html(facts: tuple[Fact, ...], *, has_places: bool = False) -> SafeString:
    """Return the rows of a description list; whatever the facts hold is escaped."""
    rows = (_row(fact, f' id="{escape(fact.field)}"' if has_places else "") for fact in facts)
    return mark_safe("\n".join(rows))  # noqa: S308 - every part is escaped below


def _row(fact: Fact, place: str = "") -> str:
    return f"<div{place}><dt>{escape(fact.label)}</dt><dd>{_value(fact.value)}</dd></div>"


def _value(value: Value) -> str:
    if value.parts:
        return f"<dl>{''.join(map(_row, value.parts))}</dl>"
    if value.items:
        return f"<ul>{''.join(f'<li>{_value(item)}</li>' for item in value.items)}</ul>"
    text = escape(value.text)
    if value.is_link:
        address = escape(value.href) or text
        return f'<a href="{address}" rel="noopener noreferrer nofollow">{text}</a>'
    if value.href:
        return f'<a href="{escape(value.href)}">{text}</a>'
    return f'<span dir="auto">{_LINE_BREAK.join(text.splitlines())}</span>'
