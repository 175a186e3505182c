"""Pinata: with a token its Files API (v3), with a key and a secret its pinning API.

Keys and secrets are of the older API and v3 takes tokens alone, and neither lists what the other
has stored; so whichever pins is also asked. Both name a file of one block by its hash if they are
asked for version 1 of CIDs, which v3 always gives. Source: Pinata's API reference.
"""

import json
from typing import Any, ClassVar

from minting.metadata.addresses import gateway_url
from minting.metadata.drivers.exchange import Answer, ask
from minting.metadata.drivers.interface import OtherCid

PLACE = "Pinata"
GATEWAY = "https://gateway.pinata.cloud"
MEDIA_TYPE = "application/json"


class Pinata:
    """An account at Pinata; addresses are without a path."""

    name: ClassVar[str] = "pinata"

    def __init__(
        self,
        *,
        jwt: str,
        api_key: str,
        secret_key: str,
        api: str,
        uploads: str,
        gateway: str,
    ) -> None:
        """Take a token, or a key and its secret, and where the account's parts are."""
        self._has_token = bool(jwt)
        self._headers = (
            {"Authorization": f"Bearer {jwt}"}
            if jwt
            else {"pinata_api_key": api_key, "pinata_secret_api_key": secret_key}
        )
        self._api = api.rstrip("/")
        self._uploads = uploads.rstrip("/")
        self._gateway = gateway or GATEWAY

    def pin(self, cid: str, content: bytes) -> None:
        """Upload the block, which pins it."""
        files = {"file": (f"{cid}.json", content, MEDIA_TYPE)}
        named = self._put_by_token(cid, files) if self._has_token else self._put_by_key(cid, files)
        if named != cid:
            raise OtherCid(f"{PLACE} gave the block another CID")

    def holds(self, cid: str) -> bool:
        """Tell whether the account lists the block."""
        if self._has_token:
            told = self._get("/v3/files/public", {"cid": cid, "limit": "1"}).json()
            rows, name = _inside(told.get("data"), "files"), "cid"
        else:
            # One and the same filter, by its present and its former name.
            asked = {"cid": cid, "hashContains": cid, "status": "pinned"}
            rows, name = _inside(self._get("/data/pinList", asked).json(), "rows"), "ipfs_pin_hash"
        return any(isinstance(row, dict) and row.get(name) == cid for row in rows)

    def fetch(self, cid: str) -> bytes:
        """Return the bytes as the gateway gives them, which is told no key."""
        return ask(f"{PLACE}'s gateway", "GET", gateway_url(self._gateway, cid)).content

    def _put_by_token(self, cid: str, files: dict[str, Any]) -> object:
        told = ask(
            PLACE,
            "POST",
            f"{self._uploads}/v3/files",
            headers=self._headers,
            data={"network": "public", "name": cid},
            files=files,
        ).json()
        inside = told.get("data")
        return inside.get("cid") if isinstance(inside, dict) else None

    def _put_by_key(self, cid: str, files: dict[str, Any]) -> object:
        told = ask(
            PLACE,
            "POST",
            f"{self._api}/pinning/pinFileToIPFS",
            headers=self._headers,
            data={
                "pinataOptions": json.dumps({"cidVersion": 1}),
                "pinataMetadata": json.dumps({"name": cid}),
            },
            files=files,
        ).json()
        return told.get("IpfsHash")

    def _get(self, path: str, asked: dict[str, str]) -> Answer:
        return ask(PLACE, "GET", self._api + path, headers=self._headers, params=asked)


def _inside(told: object, name: str) -> list[object]:
    rows = told.get(name) if isinstance(told, dict) else None
    return rows if isinstance(rows, list) else []
