"""What a write does to a catalogue row: the new values, and what they were before.

A `Change` is worked out on the row in memory and written by the caller, one row or thousands alike.
Nothing in it means that nothing is written: no new passport version, no audit entry.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db.models import Model

from minting.models import PassportVersion, Product
from minting.passport_schema import load
from tieback.brands.audit import Actor

Row = TypeVar("Row", bound=Model)


@dataclass
class Change(Generic[Row]):
    """A row with its new values set, and each changed field before and after."""

    row: Row
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.after)


def change_columns(row: Row, wanted: Mapping[str, Any]) -> Change[Row]:
    """Set the wanted values that differ from the row's."""
    change = Change(row)
    for name, value in wanted.items():
        present = getattr(row, name)
        if present != value:
            change.before[name], change.after[name] = plain(present), plain(value)
            setattr(row, name, value)
    return change


def change_product(product: Product, wanted: Mapping[str, Any]) -> Change[Product]:
    """Set the wanted values; other passport data or another category makes a new version.

    Of the passport data only the fields that differ are told.
    """
    columns = {name: value for name, value in wanted.items() if name != "dpp"}
    change = change_columns(product, columns)
    dpp = wanted.get("dpp", product.dpp)
    if dpp != product.dpp:
        names = [n for n in {**product.dpp, **dpp} if product.dpp.get(n) != dpp.get(n)]
        change.before["dpp"] = {name: product.dpp.get(name) for name in names}
        change.after["dpp"] = {name: dpp.get(name) for name in names}
        product.dpp = dpp
    if change.after.keys() & {"dpp", "category"}:
        change.before["dpp_version"] = product.dpp_version
        product.dpp_version = max(product.dpp_version, product.last_version) + 1
        change.after["dpp_version"] = product.dpp_version
    return change


def passport_version(product: Product, actor: Actor) -> PassportVersion:
    """Return the row that keeps the product's passport data as it is now, and whose they are."""
    return PassportVersion(
        brand_id=product.brand_id,
        product=product,
        number=product.dpp_version,
        category=product.category,
        schema_version=load(product.category).version,
        dpp=product.dpp,
        actor=actor.actor,
    )


def described(row: Model, names: Iterable[str]) -> dict[str, Any]:
    """Return a new row's values for the audit trail."""
    return {name: plain(getattr(row, name)) for name in names}


def plain(value: Any) -> Any:
    """Return what JSON can hold: ids become text."""
    return value if isinstance(value, str | int | dict | None) else str(value)
