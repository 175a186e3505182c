"""What is believed of a landed transaction."""

import base64
import json
import struct

import base58
import pytest
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_status import EncodedConfirmedTransactionWithStatusMeta

from minting.chain.bubblegum.events import Change
from minting.chain.bubblegum.programs import BESIDE, BUBBLEGUM, Version
from minting.chain.landed import executed_in

TREE, STRANGER = Pubkey.new_unique(), Pubkey.new_unique()
LEAF, ROOT = bytes(32), bytes([1]) * 32
CHANGE = b"".join(
    (
        b"\x00\x00",
        bytes(TREE),
        struct.pack("<I", 2),
        *(node + struct.pack("<I", place) for place, node in ((2, LEAF), (1, ROOT))),
        struct.pack("<QI", 7, 0),
    )
)
V1, V2 = BESIDE[Version.V1], BESIDE[Version.V2]

Calls = list[tuple[int, Pubkey]]


def landed(calls: Calls) -> EncodedConfirmedTransactionWithStatusMeta:
    """Return a transaction of these calls, by depth; each says the same of the same tree."""
    payer = Keypair()
    (_, outermost), *inner = calls
    programs = [Instruction(program, CHANGE, []) for _, program in calls]
    message = MessageV0.try_compile(payer.pubkey(), programs, [], Hash.default())
    keys = list(message.account_keys)
    said = VersionedTransaction(
        MessageV0(
            message.header,
            keys,
            message.recent_blockhash,
            [one for one in message.instructions if keys[one.program_id_index] == outermost][:1],
            [],
        ),
        [payer],
    )
    given = [
        {
            "programIdIndex": keys.index(program),
            "accounts": [],
            "data": base58.b58encode(CHANGE).decode(),
            "stackHeight": depth,
        }
        for depth, program in inner
    ]
    answer = {
        "slot": 1,
        "blockTime": None,
        "version": 0,
        "transaction": [base64.b64encode(bytes(said)).decode(), "base64"],
        "meta": {
            "err": None,
            "status": {"Ok": None},
            "fee": 5000,
            "preBalances": [],
            "postBalances": [],
            "innerInstructions": [{"index": 0, "instructions": given}],
        },
    }
    return EncodedConfirmedTransactionWithStatusMeta.from_json(json.dumps(answer))


@pytest.mark.parametrize(
    ("calls", "believed"),
    [
        ([(1, BUBBLEGUM), (2, V1.compression), (3, V1.noop)], 1),
        ([(1, STRANGER), (2, BUBBLEGUM), (3, V2.compression), (4, V2.noop)], 1),
        ([(1, BUBBLEGUM), (2, V1.compression), (3, V1.noop), (2, V1.compression), (3, V1.noop)], 2),
        ([(1, V1.noop)], 0),
        ([(1, STRANGER), (2, V1.noop)], 0),
        ([(1, BUBBLEGUM), (2, V1.noop)], 0),
        ([(1, BUBBLEGUM), (2, V1.compression), (3, V2.noop)], 0),
        ([(1, BUBBLEGUM), (2, V1.compression), (3, V1.noop), (2, STRANGER), (3, V1.noop)], 1),
    ],
)
def test_changes_are_believed_of_the_program_that_keeps_the_tree(
    calls: Calls, believed: int
) -> None:
    events = [one.event for one in executed_in(landed(calls)) if one.event]
    assert events == believed * [Change(tree=TREE, sequence=7, index=0, leaf=LEAF, root=ROOT)]
