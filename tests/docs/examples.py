"""The examples of docs/api.md: what is sent, what is answered, and what happens in between.

Under a heading that names an operation, a block of kind "http" is a request, and the block after it
its answer: of kind "json 201" with the body alone, or of kind "http" with status line and headers,
whose body is JSON unless its ``Content-Type`` says otherwise.
``<!-- then: … -->`` names something that happens elsewhere before the next request.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_PART = re.compile(
    r"^#{2,} `(?P<operation>\w+)`$"
    r"|^<!-- then: (?P<event>[^\n]+) -->$"
    r"|^```(?P<kind>http|json)(?: (?P<status>\d{3}))?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


JSON = "application/json"


def body_of(text: str, content_type: str) -> Any:
    """Return what a body holds: JSON, or as text what is not; ``None`` where it is empty."""
    if not text.strip():
        return None
    return json.loads(text) if content_type.startswith(JSON) else text


@dataclass(frozen=True)
class Event:
    """Something that happens between two requests."""

    name: str


@dataclass(frozen=True)
class Asked:
    """A request as it is written."""

    method: str
    target: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Answered:
    """An answer as it is written; ``span`` is where its body stands in the document."""

    status: int
    headers: dict[str, str]
    text: str
    span: tuple[int, int]

    @property
    def body(self) -> Any:
        """Return the JSON of the body, or its text; ``None`` where there is none."""
        return body_of(self.text, self.headers.get("Content-Type", JSON))


@dataclass(frozen=True)
class Example:
    """A request and its answer, and the operation they are of."""

    operation: str
    asked: Asked
    answered: Answered


@dataclass
class _Reading:
    operation: str = ""
    asked: Asked | None = None
    found: list[Event | Example] = field(default_factory=list)


def read(document: str) -> list[Event | Example]:
    """Return every example of the document, and every event, in their order."""
    reading = _Reading()
    for part in _PART.finditer(document):
        if part["operation"]:
            reading.operation = part["operation"]
        elif part["event"]:
            reading.found.append(Event(part["event"]))
        elif reading.asked is None:
            reading.asked = _asked(part)
        else:
            example = Example(reading.operation, reading.asked, _answered(part))
            reading.found.append(example)
            reading.asked = None
    assert reading.asked is None, f"{reading.operation}: the last request has no answer"
    return reading.found


def examples(document: str) -> Iterator[Example]:
    """Yield the examples alone."""
    return (part for part in read(document) if isinstance(part, Example))


def _split(text: str) -> tuple[str, dict[str, str], str]:
    """Return first line, headers and body of an HTTP message."""
    head, _, body = text.partition("\n\n")
    first, *lines = head.rstrip("\n").split("\n")
    return first, dict(line.split(": ", 1) for line in lines), body


def _asked(part: re.Match[str]) -> Asked:
    assert part["kind"] == "http", part["text"]
    assert not part["text"].startswith("HTTP/"), part["text"]
    first, headers, body = _split(part["text"])
    method, target = first.split(" ")
    return Asked(method, target, headers, body)


def _answered(part: re.Match[str]) -> Answered:
    start, end = part.span("text")
    if part["kind"] == "json":
        return Answered(int(part["status"]), {}, part["text"], (start, end))
    first, headers, body = _split(part["text"])
    assert first.startswith("HTTP/1.1 "), f"an answer begins with its status line: {first}"
    return Answered(int(first.split(" ")[1]), headers, body, (end - len(body), end))
