"""What a serial may look like, and what a sequence of them must pass. Pure.

Sources: GS1 General Specifications, AI 21 (1 to 20 characters of encodable character set 82) and
AI 10 (the same); RFC 3986, 5.2.4: a path segment of one or two dots is removed by whoever
normalises the URL, so neither can stand alone in a printed code.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from minting.blocking import BlockingReason

LONGEST_SERIAL = 20
MOST_INLINE = 10_000
# JSON numbers are exact up to here in every client.
LARGEST_START = 2**53 - 1
# Of the faults of a request or a file so many are listed; the count is always complete.
MOST_FAULTS_LISTED = 10_000

CSET_82 = r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]"
DOT_SEGMENTS = (".", "..")
_SERIAL = re.compile(f"{CSET_82}{{1,{LONGEST_SERIAL}}}")
_PREFIX = re.compile(f"{CSET_82}*")

PROBLEMS: dict[str, str] = {
    "BLANK": "Is empty.",
    "TOO_LONG": f"Has more than {LONGEST_SERIAL} characters.",
    "CHARACTERS": "Holds a character outside GS1 character set 82; spaces are outside, too.",
    "DOT_SEGMENT": "One or two dots alone would be dropped from the URL.",
    "QUOTING": "A cell with a comma or a quote must be quoted, its quotes doubled; one column.",
}


@dataclass(frozen=True)
class SerialRule:
    """Serials in sequence: the prefix, then a number padded with zeros to ``width`` digits."""

    prefix: str
    width: int
    start: int

    @property
    def length(self) -> int:
        """Return the length that every serial of the sequence has."""
        return len(self.prefix) + self.width

    @property
    def largest(self) -> int:
        """Return the largest number that the width holds."""
        return int(10**self.width) - 1

    def serial(self, number: int) -> str:
        """Return the serial of a number. In text order serials stand as their numbers do."""
        return f"{self.prefix}{number:0{self.width}d}"

    def number(self, serial: str) -> int:
        """Return the number of one of the sequence's serials."""
        return int(serial[len(self.prefix) :])

    def last(self, quantity: int) -> int:
        """Return the number of the last of ``quantity`` serials."""
        return self.start + quantity - 1


@dataclass(frozen=True)
class Findings:
    """Faults of one kind: how many there are, and the first of them as an answer shows them."""

    count: int = 0
    faults: tuple[dict[str, Any], ...] = ()

    @property
    def detail(self) -> dict[str, Any]:
        """Return what the caller is told."""
        return {
            "count": self.count,
            "omitted": self.count - len(self.faults),
            "faults": list(self.faults),
        }


@dataclass(frozen=True)
class SerialFindings:
    """Everything found wrong with the serials that a brand brings itself."""

    invalid: Findings = Findings()
    duplicates: Findings = Findings()
    used: Findings = Findings()


@dataclass(frozen=True)
class UsedSerials:
    """What a sequence would take although it is taken, and from where on all is free."""

    count: int = 0
    examples: tuple[dict[str, Any], ...] = ()
    next_free_start: int | None = None


def problem_of(text: str) -> str | None:
    """Return what is wrong with a serial or a lot code, as a key of ``PROBLEMS``."""
    if not text:
        return "BLANK"
    if len(text) > LONGEST_SERIAL:
        return "TOO_LONG"
    if not _SERIAL.fullmatch(text):
        return "CHARACTERS"
    return "DOT_SEGMENT" if text in DOT_SEGMENTS else None


def rule_reasons(rule: SerialRule, quantity: int) -> Iterator[BlockingReason]:
    """Yield why a sequence cannot name so many units, whatever else is minted."""
    faults = list(_rule_faults(rule, quantity))
    if faults:
        yield BlockingReason(
            "SERIALS_INVALID",
            " ".join(fault["message"] for fault in faults),
            "serial_rule",
            {"faults": faults},
        )


def _rule_faults(rule: SerialRule, quantity: int) -> Iterator[dict[str, Any]]:
    if not _PREFIX.fullmatch(rule.prefix):
        yield _rule_fault("prefix", "CHARACTERS", "The prefix must be of GS1 character set 82.")
    if rule.length > LONGEST_SERIAL:
        yield _rule_fault(
            "width",
            "TOO_LONG",
            f"Prefix and width make {rule.length} characters; {LONGEST_SERIAL} are allowed.",
        )
    if rule.last(max(1, quantity)) > rule.largest:
        yield _rule_fault(
            "width",
            "OVERFLOW",
            f"The sequence would end at {rule.last(max(1, quantity))}, which {rule.width} digits"
            " do not hold.",
        )


def _rule_fault(field: str, problem: str, message: str) -> dict[str, Any]:
    return {"field": field, "problem": problem, "message": message}


def used_rule_reasons(used: UsedSerials) -> Iterator[BlockingReason]:
    """Yield why a sequence is refused for what is minted or promised already."""
    if used.count:
        remedy = (
            "No free run of this length is left at the end."
            if used.next_free_start is None
            else f"Start at {used.next_free_start}."
        )
        yield BlockingReason(
            "SERIALS_ALREADY_USED",
            f"{used.count:,} of these serials are used or promised. {remedy}",
            "serial_rule",
            {
                "count": used.count,
                "examples": list(used.examples),
                "next_free_start": used.next_free_start,
            },
        )


def own_serial_reasons(found: SerialFindings, field: str) -> Iterator[BlockingReason]:
    """Yield why serials that were brought along are refused, one reason a kind of fault."""
    kinds = (
        ("SERIALS_INVALID", "are not valid serials", found.invalid),
        ("SERIALS_DUPLICATE", "repeat an earlier one", found.duplicates),
        ("SERIALS_ALREADY_USED", "are used or promised already", found.used),
    )
    for code, words, findings in kinds:
        if findings.count:
            yield BlockingReason(code, f"{findings.count:,} {words}.", field, findings.detail)


def count_reasons(given: int, quantity: int, field: str) -> Iterator[BlockingReason]:
    """Yield why so many serials cannot name so many units."""
    if given != quantity:
        yield BlockingReason(
            "SERIALS_INVALID",
            f"{given:,} serials were given for {quantity:,} units.",
            field,
            {"given": given, "quantity": quantity},
        )
