"""The web plane's URLs, and beside them views that break in the ways a view can break."""

from typing import Any, ClassVar

import psycopg
from django.db import connection, transaction
from django.urls import include, path
from django.urls.resolvers import URLPattern, URLResolver
from rest_framework.request import Request
from rest_framework.response import Response

from minting.models import MintBatch
from tieback.api.views import BrandAPIView
from tieback.brands.audit import record
from tieback.brands.roles import Scope
from tieback.errors import Conflict
from tieback.urls.web import handler400, handler403, handler404, handler500

SECRET_OF_THE_CODE = "relation 'shadows' at /srv/tieback/line 7"

__all__ = ("handler400", "handler403", "handler404", "handler500", "urlpatterns")


class BreakingView(BrandAPIView):
    """Write a row, then end as ``how`` says."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_READ}
    schema = None

    def post(self, request: Request, how: str) -> Response:
        """Break."""
        record(self.principal, f"broken.{how}", "brand", self.principal.brand_id, request=request)
        seen = set(MintBatch.objects.values_list("brand_id", flat=True))
        getattr(self, how)()
        return Response({"brands": sorted(map(str, seen))})

    def nothing(self) -> None:
        """Do not break at all."""

    def raises(self) -> None:
        raise RuntimeError(SECRET_OF_THE_CODE)

    def refuses(self) -> None:
        raise Conflict

    def sql(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select * from shadows")

    def savepoint(self) -> None:
        """Break inside a savepoint, and go on."""
        try:
            with transaction.atomic():
                self.raises()
        except RuntimeError:
            pass

    def dies(self) -> None:
        """Lose the database session."""
        with connection.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(pg_backend_pid())")

    def dies_at_commit(self) -> None:
        """Lose the database session so that only the end of the transaction notices."""
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            (pid,) = cursor.fetchone()
        terminate(pid)


def terminate(pid: int) -> None:
    """End a database session from another one of the same role."""
    known = connection.settings_dict
    with psycopg.connect(
        host=known["HOST"],
        port=known["PORT"],
        dbname=known["NAME"],
        user=known["USER"],
        password=known["PASSWORD"],
    ) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", [pid])


def brand_in_force() -> tuple[str | None, int]:
    """Return the brand the present connection is in, and how many batches it shows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select nullif(current_setting('tieback.brand_id', true), ''),"
            " (select count(*) from minting_mintbatch)"
        )
        row: tuple[str | None, int] = cursor.fetchone()
    return row


def crash(request: Any) -> Any:
    """Break outside the API framework."""
    raise RuntimeError(SECRET_OF_THE_CODE)


urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/breaking/<slug:how>/", BreakingView.as_view()),
    path("api/v1/crash/", crash),
    path("crash/", crash),
    path("", include("tieback.urls.web")),
]
