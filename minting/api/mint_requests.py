"""``submit_mint_request`` and ``preflight_mint_request`` over HTTP."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting import idempotency
from minting.gateway import Submitter, preflight_mint_request, submit_mint_request
from minting.lots import Lot
from minting.mint_request import MintRequest
from minting.serial_rules import LARGEST_START, LONGEST_SERIAL, SerialRule
from minting.states import ActivationMode, IdentityMode, Priority, SerialSource
from tieback.api.fields import (
    StrictIntegerField,
    StrictSerializer,
    StrictTextField,
    StrictUUIDField,
)
from tieback.api.idempotency import REPLAYED
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope

_LARGEST_INTEGER = 2**31 - 1
# What is too long or out of range is a blocking reason, listed with the others; these bounds
# only keep what is not a lot or a serial at all from being looked at.
_LONGEST_TEXT = 1_000
_SERIALS_FROM = ("serial_rule", "serials", "serial_list_id")


class LotSerializer(StrictSerializer):
    """A lot and how many units it takes."""

    lot_code = StrictTextField(
        max_length=_LONGEST_TEXT,
        allow_blank=True,
        trim_whitespace=False,
        help_text="GS1 AI 10: 1 to 20 characters of character set 82, unlike any other lot's.",
    )
    qty = StrictIntegerField(min_value=-_LARGEST_INTEGER, max_value=_LARGEST_INTEGER)


class SerialRuleSerializer(StrictSerializer):
    """Serials in sequence: the prefix, then a number padded with zeros to the width."""

    type = serializers.ChoiceField(choices=[SerialSource.SEQUENTIAL.value])
    prefix = StrictTextField(
        required=False,
        default="",
        max_length=LONGEST_SERIAL - 1,
        allow_blank=True,
        trim_whitespace=False,
        help_text="Of character set 82; with the width at most 20 characters.",
    )
    width = StrictIntegerField(min_value=1, max_value=LONGEST_SERIAL)
    start = StrictIntegerField(required=False, default=1, min_value=0, max_value=LARGEST_START)


class SerialsField(serializers.ListField):
    """A list of texts, looked at as a whole: a field for each of 10,000 would cost more."""

    child = serializers.CharField()

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the texts."""
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        if not data:
            self.fail("empty")
        wrong: dict[Any, Any] = {
            index: [serializers.ErrorDetail("Not a valid string.", code="invalid")]
            for index, item in enumerate(data)
            if not isinstance(item, str)
        }
        if wrong:
            raise serializers.ValidationError(wrong)
        return data


class MintRequestSerializer(StrictSerializer):
    """What to mint."""

    product_id = StrictUUIDField()
    production_batch_id = StrictUUIDField(required=False, allow_null=True)
    quantity = StrictIntegerField(
        min_value=-_LARGEST_INTEGER,
        max_value=_LARGEST_INTEGER,
        help_text="1 to 1,000,000 units.",
    )
    identity_mode = serializers.ChoiceField(choices=IdentityMode.choices)
    activation_mode = serializers.ChoiceField(choices=ActivationMode.choices)
    lots = serializers.ListField(
        child=LotSerializer(),
        required=False,
        help_text="In batch mode 1 to 100 lots, whose qty add up to the quantity; else none.",
    )
    serial_rule = SerialRuleSerializer(required=False, allow_null=True)
    serials = SerialsField(
        required=False,
        allow_null=True,
        help_text="Own serials, one a unit in the order of the units, at most 10,000.",
    )
    serial_list_id = StrictUUIDField(
        required=False, allow_null=True, help_text="A list of own serials, one a unit."
    )
    priority = serializers.ChoiceField(
        choices=[priority.label for priority in Priority], required=False, default="standard"
    )
    chain_mode = StrictTextField(
        max_length=24,
        required=False,
        help_text="none, anchor, cnft, cnft_on_first_scan or cnft_on_demand; what each one proves"
        " is in docs/chain.md. The default is anchor where the installation has a chain.",
    )
    leaf_owner = StrictTextField(
        max_length=44,
        required=False,
        help_text="For modes of compressed NFTs: the address whose they are to be, in base58. The"
        " default is the wallet that pays for them.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse serials from more than one place."""
        given = [name for name in _SERIALS_FROM if attrs.get(name) is not None]
        if len(given) > 1:
            message = f"Give one of {', '.join(_SERIALS_FROM)}, or none for generated serials."
            detail = serializers.ErrorDetail(message, code="conflict")
            raise serializers.ValidationError({name: [detail] for name in given})
        return attrs

    def mint_request(self) -> MintRequest:
        """Return the validated body as the gateway takes it."""
        values: dict[str, Any] = self.validated_data
        rule = values.get("serial_rule")
        return MintRequest(
            product_id=values["product_id"],
            quantity=values["quantity"],
            production_batch_id=values.get("production_batch_id"),
            identity_mode=IdentityMode(values["identity_mode"]),
            activation_mode=ActivationMode(values["activation_mode"]),
            chain_mode=values.get("chain_mode"),
            leaf_owner=values.get("leaf_owner", ""),
            priority=Priority[values["priority"].upper()],
            lots=tuple(Lot(lot["lot_code"], lot["qty"]) for lot in values.get("lots", ())),
            serial_rule=SerialRule(rule["prefix"], rule["width"], rule["start"]) if rule else None,
            serials=tuple(values.get("serials") or ()),
            serial_list_id=values.get("serial_list_id"),
        )


class SubmissionSerializer(serializers.Serializer[Any]):
    """The job and batch that answer a mint request."""

    mint_job_id = serializers.UUIDField()
    mint_batch_id = serializers.UUIDField()
    status = serializers.CharField()
    is_duplicate = serializers.BooleanField()


class BlockingReasonSerializer(serializers.Serializer[Any]):
    """One reason why a request would be refused."""

    code = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField()
    detail = serializers.DictField(allow_null=True)


class PreflightSerializer(serializers.Serializer[Any]):
    """Whether a request would be accepted now."""

    ready = serializers.BooleanField()
    blocking_reasons = BlockingReasonSerializer(many=True)


class MintRequestView(BrandAPIView):
    """Submit."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_WRITE}
    # The job keeps its key for ever: a stored answer would only end sooner.
    keeps_answers = False

    @extend_schema(
        operation_id="submit_mint_request",
        request=MintRequestSerializer,
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                required=True,
                description="New for each request; the same key and body return the same job.",
            )
        ],
        responses={202: SubmissionSerializer, 200: SubmissionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Create a job and its batch: 202; the key's earlier job: 200; refused: 422."""
        key = idempotency.read_key(request.headers.get("Idempotency-Key"))
        given = MintRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        submission = submit_mint_request(
            self.principal.brand_id,
            given.mint_request(),
            key=key,
            submitter=Submitter(
                self.principal.actor,
                self.principal.user_id,
                self.principal.credential_id,
                request,
            ),
        )
        job = submission.job
        body = {
            "mint_job_id": job.id,
            "mint_batch_id": job.batch_id,
            "status": job.status,
            "is_duplicate": submission.is_duplicate,
        }
        if submission.is_duplicate:
            return Response(SubmissionSerializer(body).data, headers={REPLAYED: "true"})
        return Response(SubmissionSerializer(body).data, status=202)


class PreflightView(BrandAPIView):
    """Check without submitting."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_READ}
    # Nothing is written, and an answer is about this moment.
    keeps_answers = False

    @extend_schema(
        operation_id="preflight_mint_request",
        request=MintRequestSerializer,
        responses=PreflightSerializer,
    )
    def post(self, request: Request) -> Response:
        """Return every reason why the request would be refused now; write nothing."""
        given = MintRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        reasons = preflight_mint_request(self.principal.brand_id, given.mint_request())
        body = {"ready": not reasons, "blocking_reasons": reasons}
        return Response(PreflightSerializer(body).data)
