"""Two furnished brands, made once a module and cleared after it."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.platform.furnishing import Furnished, clear_everything, furnish


class TwoBrands(NamedTuple):
    """The brand the callers act for, and the one they must never see."""

    own: Furnished
    foreign: Furnished


@pytest.fixture(scope="module")
def two_brands(django_db_setup: None, django_db_blocker: object) -> Iterator[TwoBrands]:
    """Commit two brands with one of everything; tests roll back what they do to them."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        brands = TwoBrands(own=furnish("quillon"), foreign=furnish("vesper"))
    yield brands
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        clear_everything()
