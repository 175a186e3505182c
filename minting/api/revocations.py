"""Revoking units by name, ordinal range, lot or batch, and reading what was revoked."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.models import MintRevocation
from minting.revocations import (
    MOST_NAMED,
    Act,
    Why,
    revoke_batch,
    revoke_lot,
    revoke_range,
    revoke_units,
)
from minting.states import RevocationKind, RevocationReason, RevocationStatus
from tieback.api.fields import (
    StrictIntegerField,
    StrictSerializer,
    StrictTextField,
    StrictUUIDField,
)
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import FieldError, NotFound, ValidationFailed
from tieback.requests import request_id_of

_TARGETS = ("tokens", "first_ordinal", "lot")


class RevokeSerializer(StrictSerializer):
    """Which units, and why.

    Either ``tokens``; or ``batch`` alone for the whole batch, with ``first_ordinal`` and
    ``last_ordinal`` for a range of it, or with ``lot`` for one lot.
    """

    tokens = serializers.ListField(
        child=StrictTextField(max_length=20), required=False, min_length=1, max_length=MOST_NAMED
    )
    batch = StrictUUIDField(required=False)
    first_ordinal = StrictIntegerField(required=False, min_value=1, max_value=2**31 - 1)
    last_ordinal = StrictIntegerField(required=False, min_value=1, max_value=2**31 - 1)
    lot = StrictTextField(required=False, max_length=20)
    reason = serializers.ChoiceField(choices=RevocationReason.choices)
    note = StrictTextField(required=False, max_length=500, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a body that names its units in more than one way, or in none."""
        if "tokens" not in attrs and "batch" not in attrs:
            raise _fault("batch", "REQUIRED", "Name tokens, or a batch.")
        if "tokens" in attrs and "batch" in attrs:
            raise _fault("batch", "NOT_ALLOWED", "Leave the batch out where tokens are named.")
        if ("first_ordinal" in attrs) != ("last_ordinal" in attrs):
            missing = "last_ordinal" if "first_ordinal" in attrs else "first_ordinal"
            raise _fault(missing, "REQUIRED", "A range has a first and a last ordinal.")
        named = [name for name in _TARGETS if name in attrs]
        if len(named) > 1:
            raise _fault(named[1], "NOT_ALLOWED", f"Leave this out beside {named[0]}.")
        return attrs


class RevocationSerializer(serializers.ModelSerializer[MintRevocation]):
    """One act of revoking, and how far it has come."""

    mint_batch_id = serializers.UUIDField(source="batch_id", allow_null=True)
    lot = serializers.CharField(source="lot.lot_code", allow_null=True, default=None)

    class Meta:
        model = MintRevocation
        fields = (
            *("id", "kind", "mint_batch_id", "lot", "first_ordinal", "last_ordinal"),
            *("reason", "note", "status", "requested_quantity", "revoked_quantity"),
            *("already_revoked_quantity", "actor", "created_at", "finished_at"),
        )


class RevocationQuery(CreatedQuery):
    """Which acts."""

    orderings = ordered_by("created_at")
    filters = {
        "batch": "batch_id",
        "reason": "reason",
        "kind": "kind",
        "status": "status",
    }

    batch = serializers.UUIDField(required=False)
    reason = serializers.ChoiceField(choices=RevocationReason.choices, required=False)
    kind = serializers.ChoiceField(choices=RevocationKind.choices, required=False)
    status = serializers.ChoiceField(choices=RevocationStatus.choices, required=False)


class RevokeView(BrandAPIView):
    """Revoke units."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_WRITE}

    @extend_schema(
        operation_id="revoke_mint_units",
        request=RevokeSerializer,
        responses={200: RevocationSerializer, 202: RevocationSerializer},
    )
    def post(self, request: Request) -> Response:
        """End the validity of units; they still resolve, and say so. One act, one audit entry.

        Answers 200 where all is done, 202 where more than 20,000 units are worked through by a
        worker: ``GET /api/v1/mint-revocations/{id}/`` shows how far it has come. Units that were
        revoked before are counted and stay as they are. Nothing is revoked if a token is unknown.
        """
        given = RevokeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        body = given.validated_data
        why = Why(RevocationReason(body["reason"]), body["note"])
        act = Act(self.principal.actor, body["note"], request_id_of(request))
        revocation = self._revoke(body, why, act)
        done = revocation.status == RevocationStatus.COMPLETED
        return Response(RevocationSerializer(revocation).data, status=200 if done else 202)

    def _revoke(self, body: dict[str, Any], why: Why, act: Act) -> MintRevocation:
        if "tokens" in body:
            brand_id = self.principal.brand_id
            return revoke_units(brand_id=brand_id, tokens=body["tokens"], why=why, act=act)
        batch_id = body["batch"]
        if "lot" in body:
            return revoke_lot(batch_id=batch_id, lot_code=body["lot"], why=why, act=act)
        if "first_ordinal" in body:
            first, last = body["first_ordinal"], body["last_ordinal"]
            return revoke_range(batch_id=batch_id, first=first, last=last, why=why, act=act)
        return revoke_batch(batch_id=batch_id, why=why, act=act)


class RevocationListView(BrandAPIView):
    """Acts of revoking."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="list_mint_revocations",
        parameters=[RevocationQuery],
        responses=RevocationSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List revocations, newest first."""
        rows = MintRevocation.objects.select_related("lot")
        return listed(RevocationQuery, request.query_params, rows, RevocationSerializer)


class RevocationDetailView(BrandAPIView):
    """One act of revoking."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(operation_id="get_mint_revocation", responses=RevocationSerializer)
    def get(self, request: Request, revocation_id: UUID) -> Response:
        """Return a revocation and how far it has come."""
        rows = MintRevocation.objects.select_related("lot")
        revocation = rows.filter(id=revocation_id).first()
        if revocation is None:
            raise NotFound
        return Response(RevocationSerializer(revocation).data)


def _fault(field: str, code: str, message: str) -> ValidationFailed:
    return ValidationFailed(fields=(FieldError(field, code, message),))
