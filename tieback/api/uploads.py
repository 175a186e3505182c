"""Takes an uploaded CSV file: as the body itself, or as the field ``file`` of a form."""

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser
from rest_framework.request import Request

from tieback.api.parsing import content_length, read_limited
from tieback.errors import BodyTooLarge, FieldError, ValidationFailed

FIELD = "file"
#: What an endpoint that takes a CSV file declares as its request in the API's description.
CSV_REQUEST: dict[str, Any] = {
    "text/csv": {
        "type": "string",
        "description": "CSV in UTF-8; its first line names the columns.",
    },
    "multipart/form-data": {
        "type": "object",
        "properties": {FIELD: {"type": "string", "format": "binary"}},
        "required": [FIELD],
    },
}


class CsvParser(BaseParser):
    """``text/csv``: the body is the file."""

    media_type = "text/csv"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> "DataAndFiles[Any, Any]":
        """Return the body as the one file of a form."""
        body = read_limited(
            stream, limit=settings.MAX_IMPORT_BYTES, length=content_length(parser_context)
        )
        upload = SimpleUploadedFile("upload.csv", body, "text/csv")
        return DataAndFiles(QueryDict(), MultiValueDict({FIELD: [upload]}))


#: Every way a CSV file may come.
CSV_PARSERS = (CsvParser, MultiPartParser)


def refuse_large_upload(request: Request) -> None:
    """Refuse a body that is too large before any of it is read."""
    declared = content_length({"request": request})
    if declared is not None and declared > settings.MAX_IMPORT_BYTES:
        raise BodyTooLarge(f"The upload may have at most {settings.MAX_IMPORT_BYTES} bytes.")


def uploaded_csv(request: Request) -> bytes:
    """Return the content of the uploaded file."""
    sent = request.data
    faults = [
        FieldError(str(name)[:60], "UNKNOWN_FIELD", f"Send the CSV in the field {FIELD!r} alone.")
        for name in sent
        if name != FIELD
    ]
    files = request.FILES.getlist(FIELD)
    given = len(sent.getlist(FIELD)) if isinstance(sent, MultiValueDict) else 0
    if not len(files) == given == 1:
        message = f"Send one CSV file, as the body or in the form's field {FIELD!r}."
        faults.append(FieldError(FIELD, "REQUIRED", message))
    if faults:
        raise ValidationFailed(fields=tuple(faults))
    content: bytes = files[0].read()
    return content
