"""What other apps ask of a brand's settings. They know brands, and brands know none of them."""

from collections.abc import Callable
from uuid import UUID

#: Takes the brand and the value that is to be set; raises ``ValueError`` with what to do about it.
Rule = Callable[[UUID, str], None]

_rules: dict[str, list[Rule]] = {}


def add_rule(setting: str, rule: Rule) -> None:
    """Have a setting checked by a rule from now on; apps say so when they are ready."""
    rules = _rules.setdefault(setting, [])
    if rule not in rules:
        rules.append(rule)


def check_setting(setting: str, brand_id: UUID, value: str) -> None:
    """Raise ``ValueError`` where a rule refuses the value."""
    for rule in _rules.get(setting, ()):
        rule(brand_id, value)
