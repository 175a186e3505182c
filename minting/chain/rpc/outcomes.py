"""What an answer of an endpoint means: for whom it is a failure, and whether to ask again. Pure.

Only what an endpoint does wrong counts against it. A request that is wrong itself is answered
rightly by a refusal, and asking elsewhere would change nothing.
"""

from dataclasses import dataclass
from enum import Enum

#: JSON-RPC's own numbers for a request that is wrong (JSON-RPC 2.0, section 5.1).
_OF_THE_REQUEST = frozenset({-32700, -32600, -32601, -32602})
#: Solana's, for what is wrong with a transaction or with what is asked: simulation failed, a
#: signature is wrong, a version or an encoding that the client does not know.
_OF_THE_TRANSACTION = frozenset({-32002, -32003, -32013, -32015})
#: Solana's, for a node that is behind or cannot answer now.
_OF_THE_NODE = frozenset({-32603, -32004, -32005, -32007, -32009, -32014, -32016})
_TOO_MANY, _UNAVAILABLE = 429, 500


class Verdict(Enum):
    """What an answer says of whom."""

    ANSWERED = "answered"
    #: The request is wrong, and would be at every endpoint.
    REFUSED = "refused"
    #: The endpoint has had enough of us, and nothing else is wrong with it.
    THROTTLED = "throttled"
    #: The endpoint could not answer.
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """An answer, and for how long it asks us to leave it alone, in seconds."""

    verdict: Verdict
    wait: float = 0.0

    @property
    def counts_against_it(self) -> bool:
        """Whether the endpoint is less to be trusted for it."""
        return self.verdict is Verdict.FAILED

    @property
    def may_be_asked_elsewhere(self) -> bool:
        """Whether another endpoint may answer what this one did not."""
        return self.verdict in {Verdict.FAILED, Verdict.THROTTLED}


ANSWERED = Outcome(Verdict.ANSWERED)
REFUSED = Outcome(Verdict.REFUSED)
FAILED = Outcome(Verdict.FAILED)


def of_status(status: int, retry_after: str | None = None) -> Outcome:
    """Return what an HTTP status means; ``retry_after`` is the header's text."""
    if status == _TOO_MANY:
        return Outcome(Verdict.THROTTLED, wait=_seconds(retry_after))
    if status >= _UNAVAILABLE:
        return Outcome(Verdict.FAILED, wait=_seconds(retry_after))
    return ANSWERED if status < 400 else REFUSED  # noqa: PLR2004 - where HTTP's errors begin


def of_error(code: int) -> Outcome:
    """Return what an error of JSON-RPC means; one that nobody knows is the endpoint's."""
    if code in _OF_THE_REQUEST or code in _OF_THE_TRANSACTION:
        return REFUSED
    if code == _TOO_MANY or code in _OF_THE_NODE:
        return Outcome(Verdict.THROTTLED) if code == _TOO_MANY else FAILED
    return FAILED


def _seconds(retry_after: str | None) -> float:
    """Return the seconds that a header asks for; a date in it is left to the usual waits."""
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:
        return 0.0
