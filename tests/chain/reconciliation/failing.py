"""A transaction that lands and fails."""

from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from tests.chain.devchains import MEMO
from tests.chain.sending.conftest import Sender


def failing(sender: Sender) -> VersionedTransaction:
    """Return a memo that is no UTF-8, which its program refuses."""
    payer = sender.keypair
    said = Instruction(MEMO, b"\xff\xfe", [AccountMeta(payer.pubkey(), True, False)])
    message = MessageV0.try_compile(payer.pubkey(), [said], [], sender.chain.blockhash())
    return VersionedTransaction(message, [payer])
