"""Carries what a scan found to the page that it leads to. Pure, save for the secret key.

Only the answer to the scan itself knows that it was the first one, and the page is a request of its
own. What was found is therefore signed into the page's address: for this unit only, and for as long
as it takes to open the page and look at it. An address that is passed on later shows the unit as it
stands then, like every other.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.core.signing import BadSignature, TimestampSigner

#: The query parameter of the page that holds the signed finding.
PARAMETER = "scan"
#: How long the page shows it.
LASTS_SECONDS = 120

_FIRST, _TEST, _TAG = "first", "test", "tag-"


class TagVerdict(StrEnum):
    """What a tag's message shows of the item that it is on."""

    GENUINE = "genuine"
    REPLAYED = "replayed"
    FORGED = "forged"
    UNKNOWN_TAG = "unknown"
    OTHER_UNIT = "other"
    UNREADABLE = "unreadable"
    #: The brand's keys are not known here, so nothing was looked at.
    UNCHECKED = "unchecked"

    @property
    def lets_activate(self) -> bool:
        """Tell whether a scan with this verdict may be a unit's first."""
        return self in (TagVerdict.GENUINE, TagVerdict.UNCHECKED)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one scan found out about a unit, beyond what is stored of it."""

    is_first_scan: bool = False
    is_test: bool = False
    tag: TagVerdict | None = None

    @property
    def is_for_the_page(self) -> bool:
        """Tell whether somebody has to read it, wherever the brand's codes lead by default."""
        return self.is_test or (self.tag is not None and not self.tag.lets_activate)


NOTHING = Finding()


def signed(token: str, finding: Finding) -> str:
    """Return a unit's finding as the text of the page's parameter."""
    said = [_FIRST] * finding.is_first_scan + [_TEST] * finding.is_test
    said += [f"{_TAG}{finding.tag}"] if finding.tag else []
    return _signer(token).sign(".".join(said))


def read(token: str, text: str) -> Finding:
    """Return the finding in a parameter's text; nothing where it is forged, foreign or too old."""
    try:
        said = _signer(token).unsign(text, max_age=LASTS_SECONDS).split(".")
    except BadSignature:
        return NOTHING
    tag = next((verdict for verdict in TagVerdict if f"{_TAG}{verdict}" in said), None)
    return Finding(is_first_scan=_FIRST in said, is_test=_TEST in said, tag=tag)


def _signer(token: str) -> TimestampSigner:
    return TimestampSigner(salt=f"resolver.finding.{token}", sep="~")
