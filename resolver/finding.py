"""Carries what a scan found to the page that it leads to. Pure, save for the secret key.

Only the answer to the scan itself knows that it was the first one, and the page is a request of its
own. What was found is therefore signed into the page's address: for this unit only, and for as long
as it takes to open the page and look at it. An address that is passed on later shows the unit as it
stands then, like every other.
"""

from dataclasses import dataclass

from django.core.signing import BadSignature, TimestampSigner

#: The query parameter of the page that holds the signed finding.
PARAMETER = "scan"
#: How long the page shows it.
LASTS_SECONDS = 120

_FIRST = "first"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one scan found out about a unit, beyond what is stored of it."""

    is_first_scan: bool = False


NOTHING = Finding()


def signed(token: str, finding: Finding) -> str:
    """Return a unit's finding as the text of the page's parameter."""
    return _signer(token).sign(_FIRST if finding.is_first_scan else "")


def read(token: str, text: str) -> Finding:
    """Return the finding in a parameter's text; nothing where it is forged, foreign or too old."""
    try:
        found = _signer(token).unsign(text, max_age=LASTS_SECONDS)
    except BadSignature:
        return NOTHING
    return Finding(is_first_scan=found == _FIRST)


def _signer(token: str) -> TimestampSigner:
    return TimestampSigner(salt=f"resolver.finding.{token}", sep="~")
