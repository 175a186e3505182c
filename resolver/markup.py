"""Writes the facts of a passport as HTML. Pure.

A template that includes itself for every value takes several times as long.
"""

from html import escape

from django.utils.safestring import SafeString, mark_safe

from resolver.facts import Fact, Value

_LINE_BREAK = "<br>"


def facts_html(facts: tuple[Fact, ...]) -> SafeString:
    """Return the rows of a description list; whatever the facts hold is escaped."""
    return mark_safe("\n".join(map(_row, facts)))  # noqa: S308 - every part is escaped below


def _row(fact: Fact) -> str:
    return f"<div><dt>{escape(fact.label)}</dt><dd>{_value(fact.value)}</dd></div>"


def _value(value: Value) -> str:
    if value.parts:
        return f"<dl>{''.join(map(_row, value.parts))}</dl>"
    if value.items:
        return f"<ul>{''.join(f'<li>{_value(item)}</li>' for item in value.items)}</ul>"
    text = escape(value.text)
    if value.is_link:
        return f'<a href="{text}" rel="noopener noreferrer nofollow">{text}</a>'
    return f'<span dir="auto">{_LINE_BREAK.join(text.splitlines())}</span>'
