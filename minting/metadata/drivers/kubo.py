"""An IPFS node of one's own, by Kubo's RPC (``/api/v0``, every call a POST).

``block/put`` takes a block as it is, where ``add`` might cut it, so the key it answers is the hash
of what was sent. Reading asks the node alone (``offline``): what it would first have to find on the
network, it does not hold.
"""

from http import HTTPStatus
from typing import Any, ClassVar

from minting.metadata.drivers.exchange import Answer, ask
from minting.metadata.drivers.interface import OtherCid
from tieback.errors import Missing, TransientError

PLACE = "the IPFS node"
#: How long the node may take for one call, in Go's way of writing it.
PATIENCE = "15s"

_BROKEN = HTTPStatus.INTERNAL_SERVER_ERROR.value
# Kubo answers 500 whatever befalls it, and says in words what.
_NOT_PINNED = "not pinned"
_NOT_THERE = ("not found", "could not find")


class Kubo:
    """A node at an address, which may hold a name and a password."""

    name: ClassVar[str] = "kubo"

    def __init__(self, address: str) -> None:
        """Take the address of the node's RPC, without ``/api/v0``."""
        self._calls = f"{address.rstrip('/')}/api/v0/"

    def pin(self, cid: str, content: bytes) -> None:
        """Put the block and pin it, in one call."""
        asked = {"cid-codec": "raw", "mhtype": "sha2-256", "pin": "true"}
        told = self._call("block/put", asked, files={"data": ("block", content)}).json()
        if told.get("Key") != cid:
            raise OtherCid(f"{PLACE} gave the block another CID")

    def holds(self, cid: str) -> bool:
        """Tell whether the node has pinned the block."""
        answer = self._call("pin/ls", {"arg": cid, "type": "recursive"}, accepted=(_BROKEN,))
        told = answer.json()
        if answer.status == _BROKEN:
            if _NOT_PINNED in str(told.get("Message", "")):
                return False
            raise TransientError(f"{PLACE} answered {_BROKEN}")
        keys = told.get("Keys")
        return isinstance(keys, dict) and cid in keys

    def fetch(self, cid: str) -> bytes:
        """Return the block as the node has it."""
        asked = {"arg": cid, "offline": "true"}
        answer = self._call("block/get", asked, accepted=(_BROKEN,))
        if answer.status == _BROKEN:
            words = str(answer.json().get("Message", ""))
            if any(said in words for said in _NOT_THERE):
                raise Missing(f"{PLACE} has no such block")
            raise TransientError(f"{PLACE} answered {_BROKEN}")
        return answer.content

    def _call(
        self, command: str, asked: dict[str, str], *, accepted: tuple[int, ...] = (), **sent: Any
    ) -> Answer:
        params = {**asked, "timeout": PATIENCE}
        return ask(PLACE, "POST", self._calls + command, params=params, accepted=accepted, **sent)
