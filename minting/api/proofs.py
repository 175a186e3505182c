"""Reading proofs: of one unit, as ``tieback verify`` takes it, and what is signed of a batch."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.models import BatchProof, MintUnit, ProofHead
from minting.proofs.giving import proof_of
from minting.states import ProofStatus
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import Conflict, NotFound


class ProofNotReady(Conflict):
    """The batch's tree is not signed yet: see the batch's proof, and ask again."""

    code = "PROOF_NOT_READY"


class LeafSerializer(serializers.Serializer[Any]):
    """What is proven of a unit."""

    version = serializers.IntegerField()
    product_id = serializers.UUIDField()
    passport_sha256 = serializers.CharField()
    salt = serializers.CharField()
    uri = serializers.CharField()


class StatementSerializer(serializers.Serializer[Any]):
    """What the brand has signed of the unit's batch."""

    type = serializers.CharField()
    version = serializers.IntegerField()
    brand_id = serializers.UUIDField()
    batch_id = serializers.UUIDField()
    product_id = serializers.UUIDField()
    passport_sha256 = serializers.CharField()
    size = serializers.IntegerField()
    root = serializers.CharField()  # type: ignore[assignment]
    signed_at = serializers.DateTimeField()


class SignatureSerializer(serializers.Serializer[Any]):
    """Who signed it."""

    algorithm = serializers.CharField()
    key = serializers.CharField()
    value = serializers.CharField()


class AnchorSerializer(serializers.Serializer[Any]):
    """The transaction whose memo holds the root."""

    blockchain = serializers.CharField()
    network = serializers.CharField()
    signature = serializers.CharField()
    slot = serializers.IntegerField()


class CertificateSerializer(AnchorSerializer):
    """The account whose metadata hold the root, and the transaction that made it."""

    address = serializers.CharField()


class ProofChangedSerializer(serializers.Serializer[Any]):
    """That the passport shows another version than the proof names, and since when."""

    minted_with = serializers.IntegerField()
    shows = serializers.IntegerField()
    since = serializers.DateTimeField()


class ProofSerializer(serializers.Serializer[Any]):
    """The proof of one unit; hashes, salts, keys and signatures are hexadecimal digits."""

    format = serializers.CharField()
    version = serializers.IntegerField()
    leaf = LeafSerializer()
    index = serializers.IntegerField(help_text="The unit's ordinal less one.")
    path = serializers.ListField(child=serializers.CharField())
    statement = StatementSerializer()
    signature = SignatureSerializer()
    anchor = AnchorSerializer(required=False, help_text="Left out where it is on no chain.")
    certificate = CertificateSerializer(required=False, help_text="Left out where there is none.")
    changed = ProofChangedSerializer(
        required=False, help_text="Left out where the passport is as it was minted."
    )


class ProofHeadSerializer(serializers.Serializer[Any]):
    """The root of the batch's tree after one cycle's units."""

    number = serializers.IntegerField()
    size = serializers.IntegerField()
    root = serializers.CharField()  # type: ignore[assignment]
    created_at = serializers.DateTimeField()


class BatchProofSerializer(serializers.Serializer[Any]):
    """How far a batch's tree has come, its roots, and what was signed."""

    mint_batch_id = serializers.UUIDField(source="batch_id")
    status = serializers.ChoiceField(choices=ProofStatus.choices)
    quantity = serializers.IntegerField()
    hashed_quantity = serializers.IntegerField()
    passport_sha256 = serializers.CharField()
    root = serializers.CharField()  # type: ignore[assignment]
    key = serializers.CharField()
    signature = serializers.CharField()
    signed_at = serializers.DateTimeField(allow_null=True)
    last_error = serializers.CharField()
    heads = serializers.SerializerMethodField()

    def get_heads(self, proof: BatchProof) -> list[dict[str, Any]]:
        """Return the root after each cycle, the first cycle first."""
        heads = ProofHead.objects.filter(batch=proof.batch_id).order_by("number")
        shown: list[dict[str, Any]] = ProofHeadSerializer(heads, many=True).data  # type: ignore[assignment]
        return shown


class MintUnitProofView(BrandAPIView):
    """The proof of a unit."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(operation_id="get_mint_unit_proof", responses=ProofSerializer)
    def get(self, request: Request, token: str) -> Response:
        """Return what ``tieback verify`` checks; refused until the batch's root is signed."""
        unit = MintUnit.objects.filter(token=token).first()
        if unit is None:
            raise NotFound
        proof = proof_of(unit)
        if proof is None:
            raise ProofNotReady
        return Response(proof.as_dict())


class MintBatchProofView(BrandAPIView):
    """What is signed of a batch."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(operation_id="get_mint_batch_proof", responses=BatchProofSerializer)
    def get(self, request: Request, batch_id: UUID) -> Response:
        """Return the roots of a batch's tree; there are none before every unit exists."""
        proof = BatchProof.objects.filter(batch=batch_id).first()
        if proof is None:
            raise NotFound
        return Response(BatchProofSerializer(proof).data)
