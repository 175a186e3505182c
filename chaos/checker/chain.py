"""I9: what is written on a chain is there once, and is what was to be written.

The chain itself is asked where ``Evidence.chain`` can: every transaction of the payers is read
from it, and no word of the database is taken for what it holds.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import base58

from chaos.checker.evidence import SHOWN, Evidence, check

_SUBMISSIONS = """
    select submission.* from minting_chainsubmission as submission
      join minting_mintjob as job on job.batch_id = submission.batch_id and {jobs}
"""
_SENT = """
    select sent.signature, sent.status, sent.payer, submission.payload ->> 'memo'
      from minting_chaintransaction as sent
      join minting_chainsubmission as submission on submission.id = sent.submission_id
      join minting_mintjob as job on job.batch_id = sent.batch_id and {jobs}
"""
_PAGE = 1_000
_MEMO_PROGRAM = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"


class Sent(NamedTuple):
    """What the database says of a signed transaction."""

    status: str
    payer: str
    memo: str


@check
def chain_holds_each_once(evidence: Evidence) -> list[str]:
    """I9: every root to be anchored is on the chain once at most, and what is settled is there."""
    return (
        evidence.problems(
            "a root that nobody is to write (batch, cycle)",
            "select head.batch_id, head.number from minting_proofhead as head"
            "  join minting_mintjob as job on job.batch_id = head.batch_id and {jobs}"
            "  join minting_mintbatch as batch on batch.id = head.batch_id"
            f"  left join ({_SUBMISSIONS}) as asked on asked.batch_id = head.batch_id"
            "    and asked.payload ->> 'root' = head.root"
            " where batch.chain_mode <> 'none' and asked.id is null",
        )
        + evidence.problems(
            "its transactions are not as it says (submission, status, attempts, in all, final)",
            "select asked.id, asked.status, asked.attempts, count(sent.id),"
            "       count(sent.id) filter (where sent.status = 'finalized')"
            f"  from ({_SUBMISSIONS}) as asked"
            "  left join minting_chaintransaction as sent on sent.submission_id = asked.id"
            " group by asked.id, asked.status, asked.attempts"
            " having asked.attempts <> count(sent.id)"
            "     or (asked.status = 'completed')"
            "        <> (count(sent.id) filter (where sent.status = 'finalized') = 1)"
            "     or count(sent.id) filter (where sent.status in ('sent', 'finalized')) > 1",
        )
        + evidence.problems(
            "something else was signed than was to be said (signature)",
            "select sent.signature from minting_chaintransaction as sent"
            f"  join ({_SUBMISSIONS}) as asked on asked.id = sent.submission_id"
            " where asked.kind = 'anchor'"
            "   and position(convert_to(asked.payload ->> 'memo', 'UTF8')"
            "                in sent.signed_bytes) = 0",
        )
        + list(_problems_on_the_chain(evidence))[:SHOWN]
    )


def _problems_on_the_chain(evidence: Evidence) -> Iterator[str]:
    if evidence.chain is None:
        return
    known = {row[0]: Sent(*row[1:]) for row in evidence.rows(_SENT)}
    landed = {
        signature
        for payer in {sent.payer for sent in known.values()}
        for signature in _worked(evidence.chain, payer)
    }
    for signature, sent in known.items():
        if sent.status == "finalized" and signature not in landed:
            yield f"settled, and not on the chain: {signature}"
        if sent.status == "expired" and signature in landed:
            yield f"given up, and on the chain: {signature}"
    times = Counter(known[signature].memo for signature in landed & known.keys())
    yield from (f"on the chain {count} times: {memo}" for memo, count in times.items() if count > 1)
    asked_for = {sent.memo for sent in known.values()}
    for signature in landed - known.keys():
        if _memo(evidence.chain, signature) in asked_for:
            yield f"on the chain, and nobody knows of it: {signature}"


def _worked(chain: Any, payer: str) -> Iterator[str]:
    """Yield the signatures of all transactions of a payer that are in a block and did not fail."""
    before: dict[str, str] = {}
    while page := chain("getSignaturesForAddress", [payer, {"limit": _PAGE, **before}]):
        yield from (line["signature"] for line in page if line["err"] is None)
        before = {"before": page[-1]["signature"]}


def _memo(chain: Any, signature: str) -> str:
    """Return the text that a transaction says."""
    config = {"encoding": "json", "maxSupportedTransactionVersion": 0}
    told = chain("getTransaction", [signature, config])
    if told is None:
        # An airdrop of the dev chain, which is no transaction of anybody's.
        return ""
    message = told["transaction"]["message"]
    for one in message["instructions"]:
        if message["accountKeys"][one["programIdIndex"]] == _MEMO_PROGRAM:
            return base58.b58decode(one["data"]).decode()
    return ""
