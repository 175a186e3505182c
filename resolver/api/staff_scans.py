"""Making a link for a test scan."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.models import MintUnit
from minting.serials import resolver_url
from resolver.staff_scans import LASTS_SECONDS, PARAMETER, sign
from tieback.api.fields import NothingSerializer
from tieback.api.views import BrandAPIView
from tieback.brands.audit import record
from tieback.brands.roles import Scope
from tieback.errors import Conflict, NotFound


class TestLinksOff(Conflict):
    """No key for test links is set here; the operator sets TIEBACK_TEST_LINK_KEY."""

    code = "TEST_LINKS_OFF"


class TestLinkSerializer(serializers.Serializer[Any]):
    """A unit's code with what makes its scan a test."""

    url = serializers.URLField()
    expires_at = serializers.DateTimeField()


class TestLinkView(BrandAPIView):
    """A link for a test scan of one unit."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_WRITE}
    # A repeated answer never outlives the link in it.
    answers_live = timedelta(seconds=LASTS_SECONDS)

    @extend_schema(operation_id="make_test_link", request=None, responses=TestLinkSerializer)
    def post(self, request: Request, token: str) -> Response:
        """Sign a link to the unit's code that shows its page, activates nothing and counts nowhere.

        It lives 15 minutes and may be opened as often as one likes. Every call is audited.
        """
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        unit = MintUnit.objects.select_related("batch", "lot").filter(token=token).first()
        if unit is None:
            raise NotFound
        if not settings.TIEBACK_TEST_LINK_KEY:
            raise TestLinksOff
        ends = int(time.time()) + LASTS_SECONDS
        expires_at = datetime.fromtimestamp(ends, UTC)
        record(
            self.principal,
            "mint_unit.test_link_made",
            "mint_unit",
            unit.token,
            after={"expires_at": expires_at.isoformat()},
            request=request,
        )
        signed = sign(unit.token, settings.TIEBACK_TEST_LINK_KEY, ends=ends)
        body = {"url": f"{_code_of(unit)}?{PARAMETER}={signed}", "expires_at": expires_at}
        return Response(TestLinkSerializer(body).data)


def _code_of(unit: MintUnit) -> str:
    return resolver_url(
        base=unit.batch.resolver_base,
        gtin=unit.batch.gtin,
        lot=unit.lot.lot_code if unit.lot else None,
        token=unit.token,
        serial=unit.serial,
    )
