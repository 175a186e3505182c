"""The console as its process serves it: its URLs, its middleware, its role in the database."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from tests.console.rows import Shop, open_shop
from tieback.brands.models import User

ALL_BRANDS = "tieback.console.AllBrandsMiddleware"
PASSWORD = "harbour-lantern-92"


@pytest.fixture(autouse=True)
def console_process(settings: Settings, transactional_db: None) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ROOT_URLCONF = "tieback.urls.console"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:-1], ALL_BRANDS, settings.MIDDLEWARE[-1]]


@pytest.fixture
def shop() -> Shop:
    return open_shop()


@pytest.fixture
def operator() -> User:
    return User.objects.create_superuser("operator@tieback.example", PASSWORD)


@pytest.fixture
def console(operator: User) -> Client:
    client = Client()
    client.force_login(operator, "django.contrib.auth.backends.ModelBackend")
    return client


def staff_with(*codenames: str) -> Client:
    """Return a client signed in as staff with just these permissions."""
    user = User.objects.create_user("staff@tieback.example", PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client
