"""Units' compressed NFTs: asking for one, reading it, and how far a mint has come on the chain."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from minting.chain.assets.owners import is_address
from minting.chain.assets.retrying import ASSET_RELATED, asset_named, retry_mint, uuid_of
from minting.chain.assets.standing import standing_of
from minting.chain.assets.waiting import why_it_waits
from minting.chain.assets.wishing import wish_on_demand
from minting.chain.changes.giving import give
from minting.chain.changes.standing import CHANGE_STATES, change_of
from minting.chain.networks import NETWORKS, address_url
from minting.models import MintBatch, MintUnit, UnitAsset
from minting.revocations import Act
from minting.states import AssetStatus, ChainMode
from tieback.api.fields import NothingSerializer, StrictSerializer, StrictTextField
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import NotFound
from tieback.requests import request_id_of


class MintOnChainSerializer(StrictSerializer):
    """Whose the asset is to be."""

    owner = StrictTextField(
        max_length=44,
        required=False,
        help_text="An address in base58. The default is the batch's leaf_owner, else the wallet"
        " that pays.",
    )

    def validate_owner(self, owner: str) -> str:
        """Refuse what nobody could own a leaf with."""
        if not is_address(owner):
            message = "No address of Solana: 32 bytes in base58 are needed, and not all zero."
            raise serializers.ValidationError(message, code="invalid")
        return owner


class TransferSerializer(StrictSerializer):
    """Whose the asset is to be."""

    to = StrictTextField(max_length=44, help_text="An address in base58.")
    reason = StrictTextField(max_length=500, required=False, allow_blank=True, default="")

    def validate_to(self, to: str) -> str:
        """Refuse what nobody could own a leaf with."""
        return MintOnChainSerializer().validate_owner(to)


class UnitAssetSerializer(serializers.Serializer[Any]):
    """A unit's compressed NFT. What only the chain can tell is null until it was read there."""

    id = serializers.IntegerField()
    unit = serializers.CharField(source="unit.token", help_text="The unit's token.")
    mint_batch_id = serializers.UUIDField(source="batch_id")
    status = serializers.ChoiceField(choices=AssetStatus.choices)
    waits_for = serializers.SerializerMethodField(
        help_text="While it is pending: what for. Else empty."
    )
    blockchain = serializers.CharField()
    network = serializers.CharField()
    asset_id = serializers.CharField(allow_null=True)
    tree = serializers.CharField(source="tree.address", allow_null=True, default=None)
    leaf_index = serializers.IntegerField(allow_null=True)
    owner = serializers.CharField(help_text="Empty: the wallet that pays.")
    transfer_to = serializers.CharField(help_text="Whose it is to be; empty: it stays.")
    change_status = serializers.SerializerMethodField(
        help_text="How far a change of it is: a transfer, or an update of its metadata."
    )
    change_error = serializers.CharField(help_text="Why the last change has failed; else empty.")
    changed_at = serializers.DateTimeField(allow_null=True)
    changed_in = serializers.CharField(
        source="changed_in.signature",
        allow_null=True,
        default=None,
        help_text="The transaction of its last change.",
    )
    name = serializers.CharField()
    metadata_uri = serializers.CharField()
    transaction = serializers.CharField(
        source="transaction.signature", allow_null=True, default=None
    )
    retry_count = serializers.IntegerField()
    error_message = serializers.CharField()
    explorer_url = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    processed_at = serializers.DateTimeField(allow_null=True)

    def get_waits_for(self, asset: UnitAsset) -> str:
        """Return what a pending asset waits for."""
        return why_it_waits(asset)

    @extend_schema_field(serializers.ChoiceField(choices=CHANGE_STATES))
    def get_change_status(self, asset: UnitAsset) -> str:
        """Return how far a change of it has come."""
        return change_of(asset)

    def get_explorer_url(self, asset: UnitAsset) -> str | None:
        """Return where anyone can look at it; none for chains that no explorer reaches."""
        if asset.asset_id is None or asset.network not in NETWORKS:
            return None
        return address_url(asset.network, asset.asset_id)


class UnitsStandingSerializer(serializers.Serializer[Any]):
    """How many units there are."""

    requested = serializers.IntegerField()
    generated = serializers.IntegerField()
    status = serializers.CharField()


class ProofStandingSerializer(serializers.Serializer[Any]):
    """How many units are in the batch's tree of proofs."""

    status = serializers.CharField(allow_null=True)
    proven = serializers.IntegerField()


class MintStandingSerializer(serializers.Serializer[Any]):
    """How far everything has come that one request asked for; counts by status."""

    mint_batch_id = serializers.UUIDField()
    mint_job_id = serializers.UUIDField()
    chain_mode = serializers.ChoiceField(choices=ChainMode.choices)
    network = serializers.CharField()
    units = UnitsStandingSerializer()
    packs = serializers.DictField(child=serializers.IntegerField())
    proof = ProofStandingSerializer()
    anchors = serializers.DictField(child=serializers.IntegerField())
    assets = serializers.DictField(child=serializers.IntegerField())
    asset = UnitAssetSerializer(
        allow_null=True, help_text="The asset that was asked for, if one was."
    )


class MintOnChainView(BrandAPIView):
    """The asset of one unit, on demand."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_WRITE}

    @extend_schema(
        operation_id="mint_unit_on_chain",
        request=MintOnChainSerializer,
        responses={202: UnitAssetSerializer, 200: UnitAssetSerializer},
    )
    def post(self, request: Request, token: str) -> Response:
        """Ask for the compressed NFT of a unit: 202; asked for before, by whatever way: 200.

        Works in every chain mode but ``none``. A unit has one asset at most; another owner than
        the first one's answers 409, and so does a unit that is revoked.
        """
        given = MintOnChainSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wish = wish_on_demand(
            brand_id=self.principal.brand_id,
            token=token,
            owner=given.validated_data.get("owner"),
            act=Act(self.principal.actor, request_id=request_id_of(request)),
        )
        body = UnitAssetSerializer(wish.asset).data
        return Response(body, status=202 if wish.is_new else 200)


class MintUnitTransferView(BrandAPIView):
    """The asset of one unit, for somebody else."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_WRITE}

    @extend_schema(
        operation_id="transfer_mint_unit",
        request=TransferSerializer,
        responses={202: UnitAssetSerializer, 200: UnitAssetSerializer},
    )
    def post(self, request: Request, token: str) -> Response:
        """Give a unit's compressed NFT to an address: 202; asked for or done before: 200.

        Mints it first where the batch's ``chain_mode`` has compressed NFTs and the unit has none
        yet. Only what is the paying wallet's can be given: anything else answers 409.
        """
        if not MintUnit.objects.filter(token=token).exists():
            raise NotFound
        given = TransferSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        gift = give(
            brand_id=self.principal.brand_id,
            token=token,
            to=values["to"],
            act=Act(self.principal.actor, values["reason"], request_id_of(request)),
        )
        body = UnitAssetSerializer(gift.asset).data
        return Response(body, status=202 if gift.is_new else 200)


class MintUnitAssetView(BrandAPIView):
    """The asset of one unit."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(operation_id="get_mint_unit_asset", responses=UnitAssetSerializer)
    def get(self, request: Request, token: str) -> Response:
        """Return a unit's compressed NFT; 404 where none was asked for."""
        rows = UnitAsset.objects.select_related(*ASSET_RELATED)
        asset: Any = rows.filter(unit__token=token).first()
        if asset is None:
            raise NotFound
        return Response(UnitAssetSerializer(asset).data)


class MintStandingView(BrandAPIView):
    """How far a mint has come."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ}

    @extend_schema(operation_id="get_mint_standing", responses=MintStandingSerializer)
    def get(self, request: Request, mint_id: str) -> Response:
        """Return how far all has come that a job or batch asked for, by its id.

        The id of an asset, its number or its address on the chain, leads to its batch.
        """
        asset = asset_named(mint_id)
        batch = asset.batch if asset is not None else _batch_named(mint_id)
        if batch is None:
            raise NotFound
        body = {**standing_of(batch), "asset": asset}
        return Response(MintStandingSerializer(body).data)


class MintRetryView(BrandAPIView):
    """Let what has failed go on."""

    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.MINTS_WRITE}

    @extend_schema(operation_id="retry_mint", request=None, responses={200: MintStandingSerializer})
    def post(self, request: Request, mint_id: str) -> Response:
        """Let a failed asset, submission or job go on, by its id; what is not failed answers 409.

        An asset goes on with its submission, and so do all that are part of it. Audited.
        """
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        act = Act(self.principal.actor, "retried by API", request_id_of(request))
        retry_mint(mint_id, act)
        asset = asset_named(mint_id)
        batch = asset.batch if asset is not None else _batch_named(mint_id)
        if batch is None:
            raise NotFound
        return Response(MintStandingSerializer({**standing_of(batch), "asset": asset}).data)


def _batch_named(text: str) -> MintBatch | None:
    """Return the batch with this id, or that a job or submission with this id belongs to."""
    wanted = uuid_of(text)
    if wanted is None:
        return None
    batches = MintBatch.objects.select_related("job")
    named = batches.filter(pk=wanted).first() or batches.filter(job=wanted).first()
    return named or batches.filter(submissions=wanted).first()
