"""I9: what is written on a chain is there once, and is what was to be written.

The chain itself is asked where ``Evidence.chain`` can: every transaction of the payers is read
from it, and no word of the database is taken for what it holds.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import base58

from chaos.checker.evidence import SHOWN, Evidence, check

# Trees belong to no batch, and to their brand's jobs.
_SUBMISSIONS = """
    select submission.* from minting_chainsubmission as submission
      join minting_mintjob as job on job.batch_id = submission.batch_id and {jobs}
    union all
    select submission.* from minting_chainsubmission as submission
     where submission.batch_id is null
       and submission.brand_id in (select job.brand_id from minting_mintjob as job where {jobs})
"""
_SENT = f"""
    select sent.signature, sent.status, sent.payer, asked.id::text, sent.last_valid_block_height,
           asked.payload ->> 'memo'
      from ({_SUBMISSIONS}) as asked
      join minting_chaintransaction as sent on sent.submission_id = asked.id
     order by asked.id, sent.attempt
"""
_PAGE = 1_000
#: For so many blocks a transaction may name a blockhash (Solana's documentation).
_BLOCKS_VALID = 150
_MEMO_PROGRAM = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"


class Sent(NamedTuple):
    """What the database says of a signed transaction."""

    signature: str
    status: str
    payer: str
    submission: str
    last_valid_block_height: int
    memo: str | None


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
            "    and asked.kind = 'anchor' and asked.payload ->> 'root' = head.root"
            " where batch.chain_mode <> 'none' and asked.id is null",
        )
        + evidence.problems(
            "nothing was to be written of it (batch, submission)",
            f"select asked.batch_id, asked.id from ({_SUBMISSIONS}) as asked"
            "  join minting_mintbatch as batch on batch.id = asked.batch_id"
            " where batch.chain_mode = 'none'",
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
    sent = [Sent(*row) for row in evidence.rows(_SENT)]
    known = {one.signature: one for one in sent}
    landed = {
        signature
        for payer in {one.payer for one in sent}
        for signature in _worked(evidence.chain, payer)
    }
    for one in sent:
        if one.status == "finalized" and one.signature not in landed:
            yield f"settled, and not on the chain: {one.signature}"
        if one.status == "expired" and one.signature in landed:
            yield f"given up, and on the chain: {one.signature}"
    times = Counter(known[signature].submission for signature in landed & known.keys())
    yield from (f"on the chain {count} times: {one}" for one, count in times.items() if count > 1)
    yield from (f"signed again too early: {one.signature}" for one in signed_early(sent))
    asked_for = {one.memo for one in sent if one.memo}
    for signature in landed - known.keys():
        if _memo(evidence.chain, signature) in asked_for:
            yield f"on the chain, and nobody knows of it: {signature}"


def signed_early(sent: Iterable[Sent]) -> Iterator[Sent]:
    """Yield what was signed while the one before might still have landed. ``sent``: by attempt.

    Its own blockhash tells when it was signed: that was so many blocks before it dies itself.
    Endpoints are to be less behind than a block takes to be finalized, as they are here.
    """
    for before, one in pairwise(sent):
        is_next = one.submission == before.submission and before.status == "expired"
        signed_at = one.last_valid_block_height - _BLOCKS_VALID
        if is_next and signed_at <= before.last_valid_block_height:
            yield one


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
