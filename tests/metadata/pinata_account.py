"""A stand-in for Pinata: uploads and lists of the Files API (v3) and of the pinning API, a gateway.

Shapes are those of Pinata's API reference. What one API has stored the other does not list.
"""

import json
from dataclasses import dataclass, field

from tests.metadata.kubo_node import raw_cid
from tests.metadata.serving import Asked, Fault, Service, as_json

JWT = "eyJhbGciOi.a-token.of-the-account"
KEY, SECRET = "4ce3a7d51ec746ec3580", "fdeadcdb93970485af97f6ef62ee177e"


@dataclass
class PinataAccount(Service):
    """An account with its files, by API."""

    files: dict[str, bytes] = field(default_factory=dict)
    private: dict[str, bytes] = field(default_factory=dict)
    pins: dict[str, bytes] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Fault:
        """Answer as the API that is asked does."""
        if asked.path.startswith("/ipfs/"):
            return self._gateway(asked)
        calls = {
            ("POST", "/v3/files"): self._upload,
            ("GET", "/v3/files/public"): self._files,
            ("POST", "/pinning/pinFileToIPFS"): self._pin,
            ("GET", "/data/pinList"): self._pins,
        }
        call = calls.get((asked.method, asked.path))
        if call is None:
            return as_json(404, {"error": "Not Found"})
        if not self._is_known(asked):
            reason = {"reason": "INVALID_CREDENTIALS", "details": "Invalid/expired credentials"}
            return as_json(401, {"error": reason})
        return call(asked)

    def _is_known(self, asked: Asked) -> bool:
        if asked.path.startswith("/v3/"):
            return asked.headers.get("authorization") == f"Bearer {JWT}"
        given = (asked.headers.get("pinata_api_key"), asked.headers.get("pinata_secret_api_key"))
        return given == (KEY, SECRET)

    def _upload(self, asked: Asked) -> Fault:
        content = asked.parts["file"]
        cid = raw_cid(content)
        # Without a word of the network a file is private, and no gateway has it.
        is_public = asked.parts.get("network") == b"public"
        (self.files if is_public else self.private)[cid] = content
        told = {
            "id": "0195a5c4-242f-7c01-bee8-f34a9e8e804b",
            "name": asked.parts.get("name", b"").decode(),
            "cid": cid,
            "size": len(content),
            "number_of_files": 1,
            "mime_type": "application/json",
            "group_id": None,
        }
        return as_json(200, {"data": told})

    def _files(self, asked: Asked) -> Fault:
        rows = [{"cid": cid} for cid in self.files if cid == asked.query.get("cid", cid)]
        return as_json(200, {"data": {"files": rows, "next_page_token": ""}})

    def _pin(self, asked: Asked) -> Fault:
        content = asked.parts["file"]
        options = json.loads(asked.parts.get("pinataOptions", b"{}"))
        cid = raw_cid(content) if options.get("cidVersion") == 1 else "QmUNLLsPACCz1vLxQVkXqqLX5"
        self.pins[cid] = content
        return as_json(200, {"IpfsHash": cid, "PinSize": len(content), "Timestamp": "2026-11-22"})

    def _pins(self, asked: Asked) -> Fault:
        wanted = asked.query.get("cid", "")
        rows = [{"ipfs_pin_hash": cid, "date_unpinned": None} for cid in self.pins if wanted in cid]
        return as_json(200, {"rows": rows})

    def _gateway(self, asked: Asked) -> Fault:
        content = {**self.files, **self.pins}.get(asked.path.removeprefix("/ipfs/"))
        if content is None:
            return Fault(404, b"ipfs resolve -r: no link named\n")
        return Fault(200, content, {"Content-Type": "application/json"})
