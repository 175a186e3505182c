"""Reading batches, their units and their story."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import F, Q
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.events import EVENT_TYPES
from minting.models import MintBatch, MintEvent, MintLot, MintUnit
from minting.serials import resolver_url
from minting.states import BatchStatus, PhysicalStatus, Priority, SerialSource, UnitStatus
from tieback.api.listing import CreatedQuery, ListQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import FieldError, NotFound, ValidationFailed

_MOST_UNITS = 2**31 - 1


class SerialRuleShownSerializer(serializers.Serializer[Any]):
    """The rule of serials in sequence, as it was frozen."""

    type = serializers.CharField()
    prefix = serializers.CharField()
    width = serializers.IntegerField()
    start = serializers.IntegerField()


class MintLotSerializer(serializers.Serializer[Any]):
    """A lot of a batch, the ordinals of its units, and how many of them exist."""

    id = serializers.UUIDField()
    lot_code = serializers.CharField()
    qty = serializers.IntegerField(source="quantity")
    minted_quantity = serializers.SerializerMethodField()
    first_ordinal = serializers.IntegerField()
    last_ordinal = serializers.IntegerField()

    def get_minted_quantity(self, lot: MintLot) -> int:
        """Return how far minting, which goes by ordinal, has come in this lot."""
        return max(0, min(lot.quantity, lot.batch.minted_quantity - lot.first_ordinal + 1))


class MintBatchSerializer(serializers.ModelSerializer[MintBatch]):
    """A batch with its counters."""

    product_id = serializers.UUIDField()
    production_batch_id = serializers.UUIDField(allow_null=True)
    mint_job_id = serializers.UUIDField(source="job.id")
    passport_version = serializers.IntegerField(source="passport_version.number")
    priority = serializers.CharField(source="job.get_priority_display")
    serial_source = serializers.ChoiceField(choices=SerialSource.choices)
    serial_rule = serializers.SerializerMethodField()
    serial_list_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = MintBatch
        fields = (
            "id",
            "mint_job_id",
            "product_id",
            "sku",
            "gtin",
            "passport_version",
            "production_batch_id",
            "production_ref",
            "identity_mode",
            "serial_source",
            "serial_rule",
            "serial_list_id",
            "activation_mode",
            "chain_mode",
            "chain_network",
            "leaf_owner",
            "priority",
            "status",
            "physical_status",
            "requested_quantity",
            "minted_quantity",
            "activated_quantity",
            "revoked_quantity",
            "voided_quantity",
            "resolver_base",
            "created_at",
            "minted_at",
            "needs_release",
            "released_at",
        )

    @extend_schema_field(SerialRuleShownSerializer(allow_null=True))
    def get_serial_rule(self, batch: MintBatch) -> dict[str, Any] | None:
        """Return the rule of the batch's serials, if they are a sequence."""
        if batch.serial_source != SerialSource.SEQUENTIAL:
            return None
        return {
            "type": batch.serial_source.value,
            "prefix": batch.serial_prefix,
            "width": batch.serial_width,
            "start": batch.serial_start,
        }


class MintBatchDetailSerializer(MintBatchSerializer):
    """A batch with its lots, in the order of their units."""

    lots = serializers.SerializerMethodField()

    class Meta(MintBatchSerializer.Meta):
        fields = (*MintBatchSerializer.Meta.fields, "lots")  # type: ignore[assignment]

    @extend_schema_field(MintLotSerializer(many=True))
    def get_lots(self, batch: MintBatch) -> Any:
        """Return the lots; there are none in serial mode."""
        rows = batch.lots.order_by("first_ordinal")
        return MintLotSerializer([_of(batch, lot) for lot in rows], many=True).data


def _of(batch: MintBatch, lot: MintLot) -> MintLot:
    lot.batch = batch
    return lot


class MintUnitSerializer(serializers.Serializer[Any]):
    """A unit as it was printed and as it stands."""

    token = serializers.CharField()
    serial = serializers.SerializerMethodField()
    ordinal = serializers.IntegerField()
    mint_batch_id = serializers.UUIDField(source="batch_id")
    product_id = serializers.UUIDField()
    lot = serializers.CharField(source="lot.lot_code", allow_null=True, default=None)
    status = serializers.CharField(source="get_status_display")
    resolver_url = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    activated_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    revocation_id = serializers.UUIDField(allow_null=True)
    revocation_reason = serializers.CharField(
        source="revocation.reason",
        allow_null=True,
        default=None,
        help_text="Why it is no longer valid; a spoiled unit counts as voided.",
    )

    def get_serial(self, unit: MintUnit) -> str:
        """Return the serial as shown: the token where none is stored."""
        return unit.serial or unit.token

    def get_resolver_url(self, unit: MintUnit) -> str:
        """Return the text of the unit's code."""
        return resolver_url(
            base=unit.batch.resolver_base,
            gtin=unit.batch.gtin,
            lot=unit.lot.lot_code if unit.lot else None,
            token=unit.token,
            serial=unit.serial,
        )


class MintEventSerializer(serializers.Serializer[Any]):
    """One line of a batch's story."""

    id = serializers.IntegerField()
    mint_batch_id = serializers.UUIDField(source="batch_id")
    type = serializers.CharField()
    actor = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]
    created_at = serializers.DateTimeField()


def _with_lot(code: str) -> Q:
    return Q(id__in=MintLot.objects.filter(lot_code=code).values("batch_id"))


class BatchQuery(CreatedQuery):
    """Which batches."""

    orderings = ordered_by("created_at")
    filters = {
        "status": "status",
        "physical_status": "physical_status",
        "priority": lambda name: Q(job__priority=Priority[name.upper()]),
        "product": "product_id",
        "production_batch": "production_batch_id",
        "lot": _with_lot,
    }

    status = serializers.ChoiceField(choices=BatchStatus.choices, required=False)
    physical_status = serializers.ChoiceField(choices=PhysicalStatus.choices, required=False)
    priority = serializers.ChoiceField(choices=[p.label for p in Priority], required=False)
    product = serializers.UUIDField(required=False)
    production_batch = serializers.UUIDField(required=False)
    lot = serializers.CharField(required=False, max_length=20, help_text="A lot's code.")


def _of_serial(serial: str) -> Q:
    """Return the units that show this serial: a stored one, or a token that serves as one."""
    return Q(serial=serial) | Q(token=serial, serial__isnull=True)


def _of_lot(code: str) -> Q:
    """Return the units of lots so called: found by the ordinals of each lot, which are indexed."""
    return Q(
        lot__lot_code=code,
        batch_id=F("lot__batch_id"),
        ordinal__gte=F("lot__first_ordinal"),
        ordinal__lte=F("lot__last_ordinal"),
    )


class UnitQuery(ListQuery):
    """Which units: of a batch or a lot, or by token or serial."""

    orderings = {
        "ordinal": ("batch_id", "ordinal"),
        "-ordinal": ("-batch_id", "-ordinal"),
    }
    filters = {
        "batch": "batch_id",
        "token": "token",
        "serial": _of_serial,
        "product": "product_id",
        "lot": _of_lot,
        "status": lambda name: Q(status=UnitStatus[name.upper()]),
        "ordinal_from": "ordinal__gte",
        "ordinal_to": "ordinal__lte",
    }

    batch = serializers.UUIDField(required=False)
    token = serializers.CharField(required=False, max_length=20)
    serial = serializers.CharField(required=False, max_length=20, trim_whitespace=False)
    product = serializers.UUIDField(required=False)
    lot = serializers.CharField(
        required=False, max_length=20, trim_whitespace=False, help_text="A lot's code."
    )
    status = serializers.ChoiceField(choices=[s.label for s in UnitStatus], required=False)
    ordinal_from = serializers.IntegerField(required=False, min_value=1, max_value=_MOST_UNITS)
    ordinal_to = serializers.IntegerField(required=False, min_value=1, max_value=_MOST_UNITS)

    @classmethod
    def keys(cls, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Within one batch its ordinals are the order, as the unique index goes."""
        keys = super().keys(values)
        return keys[1:] if "batch" in values else keys

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require what an index finds units by."""
        if not attrs.keys() & {"batch", "lot", "token", "serial"}:
            message = "Name a batch, a lot, a token or a serial."
            raise ValidationFailed(fields=(FieldError("batch", "REQUIRED", message),))
        return attrs


class EventQuery(CreatedQuery):
    """Which events."""

    orderings = ordered_by("created_at")
    filters = {"batch": "batch_id", "product": "batch__product_id", "type": "type"}

    batch = serializers.UUIDField(required=False)
    product = serializers.UUIDField(required=False)
    type = serializers.ChoiceField(choices=sorted(EVENT_TYPES), required=False)


class MintBatchListView(BrandAPIView):
    """Batches of the brand."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="list_mint_batches",
        parameters=[BatchQuery],
        responses=MintBatchSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List batches, newest first."""
        rows = MintBatch.objects.select_related("job", "passport_version")
        return listed(BatchQuery, request.query_params, rows, MintBatchSerializer)


class MintBatchDetailView(BrandAPIView):
    """One batch."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(operation_id="get_mint_batch_by_id", responses=MintBatchDetailSerializer)
    def get(self, request: Request, batch_id: UUID) -> Response:
        """Return a batch and its lots."""
        rows = MintBatch.objects.select_related("job", "passport_version")
        batch = rows.filter(id=batch_id).first()
        if batch is None:
            raise NotFound
        return Response(MintBatchDetailSerializer(batch).data)


class MintUnitListView(BrandAPIView):
    """Units of a batch or a lot, or one found by its token or serial."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="list_mint_units",
        parameters=[UnitQuery],
        responses=MintUnitSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List units by batch and ordinal; ``batch``, ``lot``, ``token`` or ``serial`` is needed.

        A lot without a batch is looked for in every batch of the workspace.
        """
        rows = MintUnit.objects.select_related("batch", "lot", "revocation")
        return listed(UnitQuery, request.query_params, rows, MintUnitSerializer)


class MintEventListView(BrandAPIView):
    """The story of the brand's batches."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(
        operation_id="list_mint_events",
        parameters=[EventQuery],
        responses=MintEventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List events, newest first."""
        return listed(
            EventQuery, request.query_params, MintEvent.objects.all(), MintEventSerializer
        )
