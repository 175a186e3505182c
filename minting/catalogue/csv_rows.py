"""Reads a CSV file into rows by column name, and says by line what cannot be read.

What is wrong with the file as a whole (its encoding, its header, a quote that is never closed)
refuses it; what is wrong with one row stays with that row. A row's line is the one it begins on,
the header being line 1.
"""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from tieback.errors import FieldError, ValidationFailed

MAX_ROWS = 50_000

_LONGEST_NAME_SHOWN = 60
_MOST_COLUMNS = 500
# What a formula-safe export puts an apostrophe before, so that a spreadsheet shows it as text.
_DEFUSED = re.compile(r"'[=+\-@\t\r\n]")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: the text of its filled cells by column, and why the row cannot be read."""

    line: int
    cells: dict[str, str] = field(default_factory=dict)
    faults: tuple[FieldError, ...] = ()


def read_rows(content: bytes, *, required: Collection[str], known: Collection[str]) -> list[CsvRow]:
    """Return the file's rows; empty rows are left out."""
    records = _records(_decoded(content))
    header = [name.strip().lower() for name in next(records, (1, []))[1]]
    _check_header(header, required=required, known=known)
    rows: list[CsvRow] = []
    for line, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        if len(rows) == MAX_ROWS:
            raise _refused("TOO_MANY_ROWS", f"A file may have at most {MAX_ROWS:,} rows.")
        rows.append(_row(line, header, cells))
    return rows


def _refused(code: str, message: str) -> ValidationFailed:
    return ValidationFailed(fields=(FieldError("file", code, message),))


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused("ENCODING", "The file is UTF-16. Save it as CSV in UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(re.findall(rb"\r\n|\r|\n", content[: error.start])) + 1
        message = f"Line {line} is not UTF-8. Save the file as CSV in UTF-8."
        raise _refused("ENCODING", message) from error
    if not text.strip():
        raise _refused("EMPTY", "The file is empty: its first line must name the columns.")
    return text


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _refused("MALFORMED", _explained(line, str(error))) from error
        yield line, record


def _explained(line: int, cause: str) -> str:
    if "unexpected end" in cause:
        return f"A quote that is opened in the row at line {line} is never closed."
    if "field larger" in cause:
        longest = f"{csv.field_size_limit():,}"
        return (
            f"A cell in the row at line {line} has more than {longest} characters,"
            " or its quote is never closed."
        )
    return (
        f"The row at line {line} has a quote where none may be:"
        ' enclose the cell in quotes and write "" for each quote inside it.'
    )


def _check_header(header: list[str], *, required: Collection[str], known: Collection[str]) -> None:
    if len(header) == 1 and re.search(r"[;\t]", header[0]):
        raise _refused("SEPARATOR", "The columns must be separated by commas.")
    if len(header) > _MOST_COLUMNS:
        raise _refused("TOO_MANY_COLUMNS", f"A file may have at most {_MOST_COLUMNS} columns.")
    faults = [*_strange_columns(header, known)]
    faults += [
        FieldError(name, "MISSING_COLUMN", f"The column {name!r} is missing from the header.")
        for name in required
        if name not in header
    ]
    if faults:
        raise ValidationFailed(fields=tuple(faults))


def _strange_columns(header: list[str], known: Collection[str]) -> Iterable[FieldError]:
    seen: set[str] = set()
    for number, name in enumerate(header, start=1):
        shown = name[:_LONGEST_NAME_SHOWN]
        if not name:
            yield FieldError("file", "UNKNOWN_COLUMN", f"Column {number} has no name.")
        elif name in seen:
            yield FieldError(shown, "DUPLICATE_COLUMN", f"The column {shown!r} stands there twice.")
        elif name not in known:
            plain = ", ".join(sorted(n for n in known if not n.startswith("dpp.")))
            message = f"There is no column {shown!r}. Known: {plain}."
            yield FieldError(shown, "UNKNOWN_COLUMN", message)
        seen.add(name)


def _row(line: int, header: list[str], cells: list[str]) -> CsvRow:
    if len(cells) != len(header):
        message = f"The row has {len(cells)} cells and the header {len(header)}."
        return CsvRow(line, faults=(FieldError("row", "CELL_COUNT", message),))
    plain = ((name, _plain(cell)) for name, cell in zip(header, cells, strict=True) if cell)
    named = {name: text for name, text in plain if text}
    faults = tuple(
        FieldError(name, "INVALID", "Must not contain the NUL character.")
        for name, cell in named.items()
        if "\x00" in cell
    )
    return CsvRow(line, named, faults)


def _plain(cell: str) -> str:
    text = cell[1:] if _DEFUSED.match(cell) else cell
    return text.strip()
