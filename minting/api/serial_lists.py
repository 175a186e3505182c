"""``/api/v1/serial-lists/``: bring your own serials, up to a million of them at once."""

from typing import Any, ClassVar
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.utils.datastructures import MultiValueDict
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from minting.models import SerialList
from minting.serial_lists import FILE, delete_serial_list, upload_serial_list
from tieback.api.fields import StrictSerializer, StrictUUIDField
from tieback.api.listing import CreatedQuery, listed, ordered_by
from tieback.api.uploads import refuse_large_upload
from tieback.api.views import BrandAPIView
from tieback.brands.roles import Scope
from tieback.errors import FieldError, NotFound, ValidationFailed

_UPLOAD: dict[str, Any] = {
    "multipart/form-data": {
        "type": "object",
        "properties": {
            "product_id": {"type": "string", "format": "uuid"},
            FILE: {
                "type": "string",
                "format": "binary",
                "description": "One serial a line. As text/csv (what is taken for granted) a cell"
                " with a comma or a quote is quoted; as text/plain, or named .txt, each line is"
                " a serial as it stands. A first line that reads `serial` is a header.",
            },
        },
        "required": ["product_id", FILE],
    },
}


class SerialListSerializer(serializers.ModelSerializer[SerialList]):
    """A list of own serials."""

    product_id = serializers.UUIDField()
    status = serializers.SerializerMethodField()
    mint_batch_id = serializers.UUIDField(source="batch.id", allow_null=True, default=None)

    class Meta:
        model = SerialList
        fields = (
            "id",
            "product_id",
            "gtin",
            "source",
            "count",
            "sha256",
            "status",
            "mint_batch_id",
            "created_by",
            "created_at",
        )

    def get_status(self, kept: SerialList) -> str:
        """Return ``used`` where a batch has taken the list, else ``unused``."""
        return "used" if hasattr(kept, "batch") else "unused"


class SerialListQuery(CreatedQuery):
    """Which lists."""

    orderings = ordered_by("created_at")
    filters = {
        "product": "product_id",
        "status": lambda status: Q(batch__isnull=status == "unused"),
    }

    product = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=["unused", "used"], required=False)


class UploadForm(StrictSerializer):
    """The fields of the form beside the file."""

    product_id = StrictUUIDField()


class SerialListListView(BrandAPIView):
    """Lists of the brand."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ, "POST": Scope.MINTS_WRITE}
    parser_classes = (MultiPartParser,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a file that is too large before anything reads it."""
        refuse_large_upload(request)
        super().initial(request, *args, **kwargs)

    @extend_schema(
        operation_id="list_serial_lists",
        parameters=[SerialListQuery],
        responses=SerialListSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List serial lists, newest first."""
        rows = SerialList.objects.select_related("batch")
        return listed(SerialListQuery, request.query_params, rows, SerialListSerializer)

    @extend_schema(
        operation_id="upload_serial_list",
        request=_UPLOAD,
        responses={201: SerialListSerializer},
    )
    def post(self, request: Request) -> Response:
        """Check a file of up to 1,000,000 serials in full and keep it for one mint request.

        Character set, length, blank lines, repetitions, and whatever is minted or promised under
        the product or its GTIN: 422 with every fault by line (of each kind the first 10,000, and
        the full count), and nothing written.
        """
        product_id, file = _upload(request)
        plain = file.content_type == "text/plain" or str(file.name).lower().endswith(".txt")
        kept = upload_serial_list(
            self.principal, product_id, file, is_csv=not plain, request=request
        )
        return Response(SerialListSerializer(kept).data, status=201)


class SerialListDetailView(BrandAPIView):
    """One list."""

    permissions: ClassVar[dict[str, Scope]] = {"GET": Scope.MINTS_READ, "DELETE": Scope.MINTS_WRITE}

    @extend_schema(operation_id="get_serial_list", responses=SerialListSerializer)
    def get(self, request: Request, serial_list_id: UUID) -> Response:
        """Return a serial list."""
        kept = SerialList.objects.select_related("batch").filter(id=serial_list_id).first()
        if kept is None:
            raise NotFound
        return Response(SerialListSerializer(kept).data)

    @extend_schema(operation_id="delete_serial_list", responses={200: SerialListSerializer})
    def delete(self, request: Request, serial_list_id: UUID) -> Response:
        """Delete a list that no batch uses and return it; its serials are free again."""
        kept = delete_serial_list(self.principal, serial_list_id, request=request)
        return Response(SerialListSerializer(kept).data)


def _upload(request: Request) -> tuple[UUID, "UploadedFile[Any]"]:
    """Return the product and the file of the form, or raise with every fault of it."""
    sent: Any = request.data
    fields = {name: sent[name] for name in sent if name != FILE}
    form = UploadForm(data=fields)
    form.is_valid(raise_exception=True)
    files = request.FILES.getlist(FILE)
    given = len(sent.getlist(FILE)) if isinstance(sent, MultiValueDict) else 0
    if not len(files) == given == 1:
        message = f"Send one file of serials in the form's field {FILE!r}."
        raise ValidationFailed(fields=(FieldError(FILE, "REQUIRED", message),))
    product_id: UUID = form.validated_data["product_id"]
    return product_id, files[0]
