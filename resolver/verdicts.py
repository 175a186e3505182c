"""Says in words what a unit's state means for whoever holds the item, and what to do. Pure.

The words are those of the language in force (``django.utils.translation.override``). A verdict has
an icon and words, so that none depends on a colour.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.utils.dateformat import format as formatted
from django.utils.translation import gettext, pgettext

from minting.states import ActivationMode, RevocationReason, UnitStatus
from resolver.finding import Finding, TagVerdict


class Tone(StrEnum):
    """How good or bad a verdict is; the page has a colour and an icon for each."""

    GOOD = "good"
    CALM = "calm"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One sentence at the top of the page, what it says, and what its reader had better do."""

    tone: Tone
    head: str
    words: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class UnitState:
    """What is stored of a unit that its verdict rests on."""

    brand: str
    status: UnitStatus
    activation_mode: str
    activated_at: datetime | None = None
    reason: str | None = None


def verdicts(unit: UnitState, finding: Finding, expired: date | None = None) -> tuple[Verdict, ...]:
    """Return the verdict on a unit, then whatever else there is to say; never none.

    ``expired`` is the day that the code itself states as its last (AI 17), once it has passed.
    """
    found = [_on_state(unit, finding)]
    if finding.tag:
        found.append(_on_tag(finding.tag, unit.brand))
    if finding.is_test:
        found.append(_test_scan())
    if expired:
        found.append(_expired(expired))
    return tuple(found)


def _on_tag(found: TagVerdict, brand: str) -> Verdict:
    """Return what the message of an NFC tag has shown of the item that it is on."""
    distrust = gettext("Do not rely on this item.")
    again = gettext("Hold the phone to the tag again.")
    known = {
        TagVerdict.GENUINE: lambda: Verdict(
            Tone.GOOD,
            gettext("The tag is genuine."),
            gettext("It answered just now, with a message that was never used before."),
        ),
        TagVerdict.REPLAYED: lambda: Verdict(
            Tone.WARN,
            gettext("This link was used before."),
            gettext("It may have been copied."),
            gettext("Hold the phone to the tag itself."),
        ),
        TagVerdict.FORGED: lambda: Verdict(
            Tone.BAD,
            gettext("This message is not from the tag of %(brand)s.") % {"brand": brand},
            distrust,
        ),
        TagVerdict.UNKNOWN_TAG: lambda: Verdict(
            Tone.BAD,
            gettext("This tag is on no item of %(brand)s.") % {"brand": brand},
            distrust,
        ),
        TagVerdict.OTHER_UNIT: lambda: Verdict(
            Tone.BAD, gettext("This tag belongs to another item."), distrust
        ),
        TagVerdict.UNREADABLE: lambda: Verdict(
            Tone.CALM, gettext("The tag could not be read."), again
        ),
        TagVerdict.UNCHECKED: lambda: Verdict(
            Tone.CALM, gettext("The tag was not checked."), gettext("Its keys are not known here.")
        ),
    }
    return known[found]()


def _test_scan() -> Verdict:
    return Verdict(
        Tone.CALM, gettext("Test scan."), gettext("It activates nothing and is not counted.")
    )


def day_of(moment: date) -> str:
    """Return a date as the language in force writes it."""
    return formatted(moment, pgettext("date format", "j F Y"))


def moment_of(moment: datetime) -> str:
    """Return a moment, in UTC, as the language in force writes it."""
    return formatted(moment, pgettext("date format", "j F Y, H:i")) + " UTC"


def _on_state(unit: UnitState, finding: Finding) -> Verdict:
    if unit.status == UnitStatus.REVOKED:
        known = _REVOKED.get(RevocationReason(unit.reason)) if unit.reason else None
        return (known or _revoked)(unit.brand)
    if unit.status == UnitStatus.MINTED:
        return _not_active(unit.brand)
    if finding.is_first_scan:
        return _first_scan(unit.brand)
    if unit.activation_mode == ActivationMode.FIRST_SCAN and unit.activated_at:
        return _scanned_before(unit.brand, moment_of(unit.activated_at))
    return _valid(unit.brand)


def _first_scan(brand: str) -> Verdict:
    return Verdict(
        Tone.GOOD,
        gettext("Genuine and first scanned now."),
        gettext("%(brand)s issued this code, and nobody scanned it before you.") % {"brand": brand},
    )


def _scanned_before(brand: str, when: str) -> Verdict:
    return Verdict(
        Tone.CALM,
        gettext("Scanned before."),
        gettext("%(brand)s issued this code. It was first scanned on %(date)s.")
        % {"brand": brand, "date": when},
        gettext("Did you buy the item as new, and was it not you? Then ask the seller."),
    )


def _valid(brand: str) -> Verdict:
    return Verdict(
        Tone.GOOD,
        gettext("Valid."),
        gettext("%(brand)s issued this code, and it is in force.") % {"brand": brand},
    )


def _not_active(brand: str) -> Verdict:
    return Verdict(
        Tone.CALM,
        gettext("Not active yet."),
        gettext("%(brand)s issued this code, but it has not been activated.") % {"brand": brand},
        gettext("Scan the code on the item with the camera of a phone. Does it still say this?")
        + " "
        + _ask(brand),
    )


def _revoked(brand: str) -> Verdict:
    return Verdict(
        Tone.BAD,
        gettext("Revoked."),
        gettext("%(brand)s has withdrawn this code. Do not rely on it.") % {"brand": brand},
        _ask(brand),
    )


def _recalled(brand: str) -> Verdict:
    return Verdict(
        Tone.BAD,
        gettext("Recalled."),
        gettext("%(brand)s has recalled this item.") % {"brand": brand},
        gettext("Stop using it, and ask %(brand)s or the seller what to do.") % {"brand": brand},
    )


def _counterfeit(brand: str) -> Verdict:
    return Verdict(
        Tone.BAD,
        gettext("Do not trust this code."),
        gettext("%(brand)s has revoked it because it was found on counterfeit items.")
        % {"brand": brand},
        gettext("The item may not be genuine. Ask the seller where it comes from."),
    )


def _stolen(brand: str) -> Verdict:
    return Verdict(
        Tone.BAD,
        gettext("Reported stolen."),
        gettext("%(brand)s has revoked this code because the item was reported stolen.")
        % {"brand": brand},
        gettext("Do not buy it. If you have it, contact %(brand)s or the police.")
        % {"brand": brand},
    )


def _lost(brand: str) -> Verdict:
    return Verdict(
        Tone.BAD,
        gettext("Reported lost."),
        gettext("%(brand)s has revoked this code because the item was reported lost.")
        % {"brand": brand},
        gettext("If you have found it, contact %(brand)s.") % {"brand": brand},
    )


def _damaged(brand: str) -> Verdict:
    return Verdict(
        Tone.BAD,
        gettext("Revoked."),
        gettext("%(brand)s has revoked this code because the item is damaged.") % {"brand": brand},
        gettext("Do not use the item before you have asked %(brand)s.") % {"brand": brand},
    )


def _end_of_life(_: str) -> Verdict:
    return Verdict(
        Tone.WARN,
        gettext("End of life."),
        gettext("This item has reached the end of its life. Its passport stays readable."),
        gettext("Take it to a collection point, so that its materials can be recycled."),
    )


def _voided(brand: str) -> Verdict:
    return Verdict(
        Tone.BAD,
        gettext("Voided."),
        gettext("%(brand)s gave this code up before it was used on an item.") % {"brand": brand},
        gettext("An item that carries it may not be genuine.") + " " + _ask(brand),
    )


def _expired(on: date) -> Verdict:
    return Verdict(
        Tone.WARN,
        gettext("Expired."),
        gettext("The expiry date in this code, %(date)s, has passed.") % {"date": day_of(on)},
    )


def _ask(brand: str) -> str:
    return gettext("Ask %(brand)s if you are unsure.") % {"brand": brand}


_REVOKED: dict[RevocationReason, Callable[[str], Verdict]] = {
    RevocationReason.RECALLED: _recalled,
    RevocationReason.COUNTERFEIT: _counterfeit,
    RevocationReason.STOLEN: _stolen,
    RevocationReason.LOST: _lost,
    RevocationReason.DAMAGED: _damaged,
    RevocationReason.END_OF_LIFE: _end_of_life,
    RevocationReason.SPOILED: _voided,
}
