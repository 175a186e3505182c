"""Named places where fault injection may end, stop or fail a process. Nothing in production.

``TIEBACK_CRASH_POINT`` is one order for the whole life of the process, or a folder of them:

- ``name[:action[:odds[:witness]]]``, where ``odds`` is one in how many visits fires;
- ``@folder``: each ``*.json`` in it is an order that may come and go while the process runs, an
  object with the fields of ``Order``.

The choice is made once, at import: where nothing is armed, and in production whatever is set,
``reach`` is an empty function. ``check --deploy`` refuses the setting besides.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from minting.crash_orders import NAMES, Order

__all__ = ("NAMES", "reach")


def _orders() -> Iterator[Order]:
    armed: str = settings.TIEBACK_CRASH_POINT
    if not armed.startswith("@"):
        point, action, odds, witness = [*armed.split(":", 3), "", "", ""][:4]
        yield Order(point, action or "kill", odds=int(odds or 1), witness=witness)
        return
    for path in Path(armed[1:]).glob("*.json"):
        try:
            yield Order(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue


def _look_for_orders(name: str) -> None:
    for order in _orders():
        if order.concerns(name) and order.is_taken(name):
            order.carry_out()


def _pass_by(name: str) -> None:
    """Do nothing: this is ``reach`` wherever no fault is injected."""


reach = _look_for_orders if settings.TIEBACK_CRASH_POINT and not settings.PRODUCTION else _pass_by
