"""What an answer of an endpoint means: for whom it is a failure, and whether to ask again. Pure.

Only what an endpoint does wrong counts against it. A request that is wrong itself is answered
rightly by a refusal, and asking elsewhere would change nothing.
"""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum

#: JSON-RPC's own numbers for a request that is wrong (JSON-RPC 2.0, section 5.1).
_OF_THE_REQUEST = frozenset({-32700, -32600, -32602})
#: Solana's, for what is wrong with a transaction or with what is asked: simulation failed, a
#: signature or a precompile is wrong, a version that the client does not know, a slot that is none.
_OF_THE_TRANSACTION = frozenset({-32002, -32003, -32006, -32013, -32015, -32018, -32020})
#: A method, a block or a history that this node has not got and another may have.
_NOT_HERE = frozenset(
    {-32601, -32001, -32004, -32007, -32008, -32009, -32010, -32011, -32014, -32017, -32021}
)
_TOO_MANY, _UNAVAILABLE = 429, 500
#: HTTP's words for a request that is wrong. The others below 500 are of the address or its key.
_OF_THE_BODY = frozenset({400, 413, 415, 422})
_NOT_FOUND = 404
#: Who asks for more is not believed: seconds.
LONGEST_WAIT = 300.0


class Verdict(Enum):
    """What an answer says of whom."""

    ANSWERED = "answered"
    #: The request is wrong, and would be at every endpoint.
    REFUSED = "refused"
    #: The endpoint has not got what was asked for; nothing is wrong with it.
    LACKING = "lacking"
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
        return self.verdict in {Verdict.FAILED, Verdict.THROTTLED, Verdict.LACKING}


ANSWERED = Outcome(Verdict.ANSWERED)
REFUSED = Outcome(Verdict.REFUSED)
LACKING = Outcome(Verdict.LACKING)
THROTTLED = Outcome(Verdict.THROTTLED)
FAILED = Outcome(Verdict.FAILED)


def of_status(status: int, retry_after: str | None = None, date: str | None = None) -> Outcome:
    """Return what an HTTP status means; the texts are those of ``Retry-After`` and ``Date``."""
    if status == _TOO_MANY:
        return Outcome(Verdict.THROTTLED, wait=_seconds(retry_after, date))
    if status >= _UNAVAILABLE:
        return Outcome(Verdict.FAILED, wait=_seconds(retry_after, date))
    if status in _OF_THE_BODY:
        return REFUSED
    # A redirect, a wrong path, a key that has ended: of this address alone.
    return ANSWERED if 200 <= status < 300 else FAILED  # noqa: PLR2004 - HTTP's successes


def of_error(code: int) -> Outcome:
    """Return what an error of JSON-RPC means; one that nobody knows is the endpoint's."""
    if code in _OF_THE_REQUEST or code in _OF_THE_TRANSACTION:
        return REFUSED
    if code in _NOT_HERE:
        return LACKING
    return THROTTLED if code == _TOO_MANY else FAILED


def of_answer(
    status: int, code: int | None, retry_after: str | None = None, date: str | None = None
) -> Outcome:
    """Return what an HTTP answer means that may carry an error of JSON-RPC, whose ``code`` it is.

    Some put JSON-RPC's errors into answers of 400, 404 or 500: what is wrong with the request is
    then wrong all the same. With 401, 403 and 429 the status decides: providers say whatever they
    like beside it.
    """
    told = of_status(status, retry_after, date)
    if code is None:
        return told
    said = of_error(code)
    wait = max(told.wait, _seconds(retry_after, date))
    if told.verdict is Verdict.ANSWERED:
        return Outcome(said.verdict, wait)
    code_decides = status in _OF_THE_BODY or status == _NOT_FOUND or status >= _UNAVAILABLE
    return Outcome(said.verdict, wait) if code_decides and not said.counts_against_it else told


def _seconds(retry_after: str | None, date: str | None) -> float:
    """Return the seconds that ``Retry-After`` asks for (RFC 9110, section 10.2.3).

    A moment is told against the answer's own ``Date``, so clocks need not agree. 0 where there is
    neither: the usual waits then hold.
    """
    try:
        asked = float(retry_after or 0)
    except ValueError:
        asked = _seconds_between(date, retry_after)
    return min(LONGEST_WAIT, max(0.0, asked))


def _seconds_between(first: str | None, then: str | None) -> float:
    try:
        passed = parsedate_to_datetime(then or "") - parsedate_to_datetime(first or "")
    except (ValueError, TypeError):
        return 0.0
    return passed.total_seconds()
