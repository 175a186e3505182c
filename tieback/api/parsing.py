"""Reading a JSON body strictly: size, encoding, depth and values that could not be stored."""

import codecs
import json
import math
from collections import Counter
from typing import IO, Any

from django.conf import settings
from rest_framework import exceptions
from rest_framework.parsers import BaseParser

from tieback.errors import BodyTooLarge

MAX_DEPTH = 32
_MAX_DIGITS = 100
_LONGEST_NAME_SHOWN = 60


def _whole(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError("a number has too many digits")
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the field {twice[:_LONGEST_NAME_SHOWN]!r} is given twice")
    return found


def strict_json(text: str) -> Any:
    """Read JSON text without what is ambiguous or cannot be stored: NaN, endless numbers."""
    return json.loads(
        text,
        parse_int=_whole,
        parse_float=_real,
        parse_constant=_constant,
        object_pairs_hook=_object,
    )


def read_limited(stream: IO[bytes], *, limit: int, length: int | None) -> bytes:
    """Read a body of at most ``limit`` bytes, else raise the 413."""
    if length is not None and length > limit:
        raise BodyTooLarge(f"The body may have at most {limit} bytes.")
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise BodyTooLarge(f"The body may have at most {limit} bytes.")
    return body


def content_length(parser_context: Any) -> int | None:
    """Return the declared length of the request being parsed, if any."""
    request = (parser_context or {}).get("request")
    declared = str(request.META.get("CONTENT_LENGTH", "")) if request is not None else ""
    return int(declared) if declared.isdecimal() else None


def _refuse(field: str, message: str) -> exceptions.ValidationError:
    return exceptions.ValidationError({field or "body": [message]})


def _check_text(value: str, path: str) -> None:
    if "\x00" in value:
        raise _refuse(path, "Must not contain the NUL character.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _refuse(path, "Must be valid Unicode text (unpaired surrogate).") from error


def check_storable(value: Any, path: str = "", depth: int = 0) -> None:
    """Refuse what a text or JSONB column cannot hold, naming the field."""
    if depth > MAX_DEPTH:
        raise _refuse(path, f"Nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_storable(key, path, depth + 1)
            check_storable(item, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_storable(item, f"{path}[{index}]", depth + 1)


class StrictJSONParser(BaseParser):
    """``application/json`` in UTF-8, an object, of bounded size and depth."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """Return the body's object."""
        body = read_limited(
            stream, limit=settings.MAX_BODY_BYTES, length=content_length(parser_context)
        )
        if body.startswith(codecs.BOM_UTF8):
            raise _refuse("body", "The body must be JSON in UTF-8 without a byte order mark.")
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            raise _refuse("body", "The body must be JSON in UTF-8.") from error
        try:
            data = strict_json(text)
        except RecursionError as error:
            raise _refuse("body", f"Nested more than {MAX_DEPTH} levels deep.") from error
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise _refuse("body", f"The body is not valid JSON: {error.msg} at {where}.") from error
        except ValueError as error:
            raise _refuse("body", f"The body is not valid JSON: {error}.") from error
        if not isinstance(data, dict):
            raise _refuse("body", "The body must be a JSON object.")
        check_storable(data)
        return data
