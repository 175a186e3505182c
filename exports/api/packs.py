"""Packs over the API: listing and building those of a batch, downloading one by signed URL."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from exports.builds import request_build
from exports.manifests import CSV_TYPE, MANIFEST_NAME, MANIFEST_TYPE, download_name, pack_name
from exports.models import PackBuild, PackFormat, PackProfile, PackStatus, PayloadPack
from exports.storage import signed_url
from minting.events import tell
from minting.models import MintBatch
from tieback.api.fields import NothingSerializer
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.views import BrandAPIView
from tieback.brands.audit import record
from tieback.brands.roles import Scope
from tieback.errors import Conflict, NotFound


class PackNotReady(Conflict):
    """The file is not built yet; list the batch's packs to see how far they are."""

    code = "PACK_NOT_READY"


class PackBuildSerializer(serializers.Serializer[Any]):
    """How far the packs of a batch are."""

    id = serializers.UUIDField()
    mint_batch_id = serializers.UUIDField(source="batch_id")
    profile = serializers.ChoiceField(choices=PackProfile.choices)
    format = serializers.ChoiceField(choices=PackFormat.choices)
    status = serializers.ChoiceField(choices=PackStatus.choices)
    pack_size = serializers.IntegerField()
    pack_count = serializers.IntegerField()
    packs_done = serializers.IntegerField()
    manifest_sha256 = serializers.SerializerMethodField()
    consecutive_errors = serializers.IntegerField()
    last_error = serializers.CharField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    status_as_of = serializers.DateTimeField(
        source="created_at", help_text="The moment whose unit states all packs show."
    )
    queued_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_manifest_sha256(self, build: PackBuild) -> str | None:
        """Return the manifest's SHA-256 once it is stored."""
        return build.manifest_sha256 or None


class RequestedBuildSerializer(PackBuildSerializer):
    """The build, and whether it was there already."""

    is_duplicate = serializers.BooleanField(
        help_text="True where the packs were built or due already and nothing new was queued."
    )


class PayloadPackSerializer(serializers.Serializer[Any]):
    """One file of a batch."""

    id = serializers.UUIDField()
    mint_batch_id = serializers.UUIDField(source="batch_id")
    number = serializers.IntegerField()
    filename = serializers.SerializerMethodField()
    profile = serializers.ChoiceField(choices=PackProfile.choices, source="build.profile")
    format = serializers.ChoiceField(choices=PackFormat.choices, source="build.format")
    status = serializers.ChoiceField(choices=PackStatus.choices)
    first_ordinal = serializers.IntegerField()
    last_ordinal = serializers.IntegerField()
    row_count = serializers.IntegerField()
    byte_size = serializers.IntegerField(allow_null=True)
    sha256 = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)

    def get_filename(self, pack: PayloadPack) -> str:
        """Return the name it is listed under in the manifest."""
        return pack_name(pack.number, pack.build.format)

    def get_sha256(self, pack: PayloadPack) -> str | None:
        """Return the file's SHA-256 once it is stored."""
        return pack.sha256 or None


class DownloadSerializer(serializers.Serializer[Any]):
    """A URL that needs no further credentials, for as long as it lives."""

    url = serializers.URLField()
    expires_at = serializers.DateTimeField()
    filename = serializers.CharField()
    sha256 = serializers.CharField()
    byte_size = serializers.IntegerField(allow_null=True)
    row_count = serializers.IntegerField()


class PackQuery(CreatedQuery):
    """Which packs of the batch."""

    orderings = {"number": ("number", "id"), **ordered_by("number")}
    filters = {"status": "status", "profile": "build__profile"}

    status = serializers.ChoiceField(choices=PackStatus.choices, required=False)
    profile = serializers.ChoiceField(choices=PackProfile.choices, required=False)


def _batch(batch_id: UUID) -> MintBatch:
    batch = MintBatch.objects.filter(id=batch_id).first()
    if batch is None:
        raise NotFound
    return batch


class PackListView(BrandAPIView):
    """Packs of one batch."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ, "POST": Scope.PACKS_WRITE}

    def check_permissions(self, request: Request) -> None:
        """Let a credential that only fetches packs list them as well."""
        caller = getattr(self, "principal", None)
        reads = request.method in {"GET", "HEAD"}
        if reads and caller is not None and caller.may(Scope.PACKS_READ):
            return
        super().check_permissions(request)

    @extend_schema(
        operation_id="list_payload_packs",
        parameters=[PackQuery],
        responses=PayloadPackSerializer(many=True),
        description="Packs in order of their ordinals. `meta.build` tells how far the build is:"
        " the fields of `build_payload_packs`'s answer, or null where no packs were asked for.",
    )
    def get(self, request: Request, batch_id: UUID) -> Response:
        """List a batch's packs."""
        batch = _batch(batch_id)
        rows = PayloadPack.objects.select_related("build").filter(batch=batch)
        build = PackBuild.objects.filter(batch=batch).first()
        told = PackBuildSerializer(build).data if build else None
        return listed(
            PackQuery, request.query_params, rows, PayloadPackSerializer, of=batch.id, build=told
        )

    @extend_schema(
        operation_id="build_payload_packs",
        request=NothingSerializer,
        responses={202: RequestedBuildSerializer},
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        """Build the batch's packs; a failed build goes on after its last finished pack."""
        given = NothingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        batch = _batch(batch_id)
        build, asked = request_build(batch=batch, actor=self.principal.actor)
        if asked:
            after = {"mint_batch_id": str(batch.id), "packs_done": build.packs_done}
            record(
                self.principal,
                "packs.requested",
                "pack_build",
                build.id,
                after=after,
                request=request,
            )
        body = {**PackBuildSerializer(build).data, "is_duplicate": not asked}
        return Response(body, status=202)


@dataclass(frozen=True)
class _File:
    """What is given out: where it lies, what it is called, and what the caller is told of it."""

    target_type: str
    target_id: UUID
    key: str
    name: str
    content_type: str
    sha256: str
    byte_size: int | None
    row_count: int


class _DownloadView(BrandAPIView):
    permissions: ClassVar[dict[str, Scope]] = {"POST": Scope.PACKS_READ}
    # A repeated answer never outlives the URL in it.
    answers_live = timedelta(seconds=settings.SIGNED_URL_SECONDS)

    def give_out(self, request: Request, batch: MintBatch, file: _File) -> Response:
        """Sign a URL; the audit entry and the batch's event commit with the answer."""
        filename = download_name(batch_id=batch.id, sku=batch.sku, name=file.name)
        url, expires_at = signed_url(file.key, filename, content_type=file.content_type)
        told = {"file": file.name, "sha256": file.sha256, "expires_at": expires_at.isoformat()}
        record(
            self.principal,
            "pack.downloaded",
            file.target_type,
            file.target_id,
            after=told,
            request=request,
        )
        tell(
            "pack.downloaded",
            brand_id=batch.brand_id,
            batch_id=batch.id,
            actor=self.principal.actor,
            data={**told, f"{file.target_type}_id": str(file.target_id)},
        )
        body = {
            "url": url,
            "expires_at": expires_at,
            "filename": filename,
            "sha256": file.sha256,
            "byte_size": file.byte_size,
            "row_count": file.row_count,
        }
        return Response(DownloadSerializer(body).data, headers={"Cache-Control": "no-store"})


class PackDownloadView(_DownloadView):
    """One pack, for those who may have it."""

    @extend_schema(operation_id="download_payload_pack", request=None, responses=DownloadSerializer)
    def post(self, request: Request, pack_id: UUID) -> Response:
        """Give out a signed URL of a finished pack; every call is audited."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        pack = PayloadPack.objects.select_related("batch", "build").filter(id=pack_id).first()
        if pack is None:
            raise NotFound
        if pack.status != PackStatus.COMPLETED:
            raise PackNotReady
        file = _File(
            target_type="payload_pack",
            target_id=pack.id,
            key=pack.storage_key,
            name=pack_name(pack.number, pack.build.format),
            content_type=CSV_TYPE,
            sha256=pack.sha256,
            byte_size=pack.byte_size,
            row_count=pack.row_count,
        )
        return self.give_out(request, pack.batch, file)


class ManifestDownloadView(_DownloadView):
    """The manifest of a batch's packs."""

    @extend_schema(
        operation_id="download_pack_manifest", request=None, responses=DownloadSerializer
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        """Give out a signed URL of ``manifest.json``; every call is audited."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        batch = _batch(batch_id)
        build = PackBuild.objects.filter(batch=batch).first()
        if build is None or build.status != PackStatus.COMPLETED:
            raise PackNotReady
        file = _File(
            target_type="pack_build",
            target_id=build.id,
            key=build.manifest_key,
            name=MANIFEST_NAME,
            content_type=MANIFEST_TYPE,
            sha256=build.manifest_sha256,
            byte_size=None,
            row_count=batch.minted_quantity,
        )
        return self.give_out(request, batch, file)
