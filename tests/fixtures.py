"""Fixtures shared by all tests: three people, two brands, and ways to call as one of them."""

import logging
from collections.abc import Callable, Iterator

import pytest
from rest_framework.test import APIClient

from tests.factories import BrandWorld, make_world
from tieback.brands.credentials import issue_credential
from tieback.brands.roles import DEFAULT_SCOPES
from tieback.brands.scoping import brand_scope


@pytest.fixture
def quiet() -> Iterator[None]:
    """Log nothing: a thousand refusals are a thousand lines."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def nordhav(db: None) -> BrandWorld:
    """The brand most tests act for, with one person for each role."""
    return make_world("nordhav")


@pytest.fixture
def strangers(db: None) -> BrandWorld:
    """Another brand, which must never see anything of the first."""
    return make_world("strangers")


@pytest.fixture
def client_of() -> Callable[..., APIClient]:
    """Return a function that makes an API client with a fresh credential of a brand."""

    def make(world: BrandWorld, scopes: tuple[str, ...] = DEFAULT_SCOPES) -> APIClient:
        with brand_scope(world.brand.id):
            issued = issue_credential(
                brand_id=world.brand.id, name=f"test {world.next_number()}", scopes=scopes
            )
        client = APIClient()
        client.default_format = "json"
        client.credentials(HTTP_X_API_KEY=issued.header)
        return client

    return make


@pytest.fixture
def api(nordhav: BrandWorld, client_of: Callable[..., APIClient]) -> APIClient:
    """A client with every scope of nordhav."""
    return client_of(nordhav)
