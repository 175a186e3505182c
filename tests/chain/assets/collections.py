"""Collections of Metaplex Core, made by the real program on a dev chain.

Source: mpl-core, ``CreateCollectionV2`` with the plugin that lets Bubblegum's leaves belong to it.
"""

import struct

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from minting.chain.bubblegum.instructions import paying, read
from minting.chain.bubblegum.metadata import option, text
from minting.chain.bubblegum.programs import CORE, SYSTEM
from tests.chain.devchains import Devchain
from tests.chain.test_real_programs import send

_CREATE_COLLECTION_V2, _BUBBLEGUM_V2 = b"\x15", b"\x0f"
_NONE = b"\x00"
_LEFT_OUT = read(CORE)


def make_collection(chain: Devchain, payer: Keypair) -> Pubkey:
    """Return a collection of which the payer is the authority."""
    collection = Keypair()
    plugins = struct.pack("<I", 1) + _BUBBLEGUM_V2 + _NONE
    data = _CREATE_COLLECTION_V2 + text("Nordhav") + text("https://nordhav.example/collection")
    create = Instruction(
        CORE,
        data + option(plugins) + _NONE,
        [
            paying(collection.pubkey()),
            _LEFT_OUT,
            paying(payer.pubkey()),
            read(SYSTEM),
        ],
    )
    send(chain, payer, create, also=[collection])
    return collection.pubkey()
