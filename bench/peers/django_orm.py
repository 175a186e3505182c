"""A Django view on the ORM, as ``startproject`` and the tutorial lead one to write it.

Default middleware, connections kept open. Lookup and redirect, no scan recorded.
"""

import os

from django.conf import settings

settings.configure(
    SECRET_KEY="signs nothing",  # noqa: S106 - nothing is signed here
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="django_orm",
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["PGHOST"],
            "PORT": os.environ["PGPORT"],
            "NAME": os.environ["PGDATABASE"],
            "USER": os.environ["PGUSER"],
            "PASSWORD": os.environ["PGPASSWORD"],
            "CONN_MAX_AGE": None,
        }
    },
)

from django.core.wsgi import get_wsgi_application  # noqa: E402 - after the settings

application = get_wsgi_application()

from django.db import models  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.shortcuts import get_object_or_404  # noqa: E402
from django.urls import path  # noqa: E402


class Batch(models.Model):
    """What the units of a batch have in common."""

    id = models.UUIDField(primary_key=True)
    gtin = models.CharField(max_length=14)
    activation_mode = models.CharField(max_length=20)

    class Meta:
        app_label = "peer"
        db_table = "minting_mintbatch"
        managed = False

    def __str__(self) -> str:
        return str(self.id)


class Unit(models.Model):
    """One item."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(Batch, on_delete=models.DO_NOTHING)
    token = models.CharField(max_length=20, unique=True)
    serial = models.CharField(max_length=20)
    status = models.SmallIntegerField()

    objects: "models.Manager[Unit]" = models.Manager()

    class Meta:
        app_label = "peer"
        db_table = "minting_mintunit"
        managed = False

    def __str__(self) -> str:
        return self.token


def link(request: HttpRequest, gtin: str, serial: str) -> HttpResponse:
    """Redirect a GS1 Digital Link."""
    units = Unit.objects.select_related("batch")
    return _redirect(get_object_or_404(units, token=serial, serial=None, batch__gtin=gtin))


def unit_link(request: HttpRequest, token: str) -> HttpResponse:
    """Redirect the code of a unit without a GTIN."""
    return _redirect(get_object_or_404(Unit.objects.select_related("batch"), token=token))


def _redirect(unit: Unit) -> HttpResponse:
    headers = {"Location": f"/p/{unit.token}", "Cache-Control": "no-store"}
    return HttpResponse(status=307, headers=headers)


urlpatterns = [path("01/<str:gtin>/21/<str:serial>", link), path("mu/<str:token>", unit_link)]
