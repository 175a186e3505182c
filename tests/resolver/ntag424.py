"""An NTAG 424 DNA in software, as far as its messages go: what a real one writes at each tap."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from resolver.sun import diversified, mac_of
from tieback.tag_keys import KeySet


class SoftTag:
    """A tag with a UID and its keys, set up to mirror UID and counter, and file data if given."""

    def __init__(
        self,
        keys: KeySet,
        uid: bytes = bytes.fromhex("04A1B2C3D4E5F6"),
        *,
        is_encrypted: bool = True,
        file_data: bytes = b"",
    ) -> None:
        self.uid = uid
        self._keys, self._is_encrypted, self._file_data = keys, is_encrypted, file_data

    def tap(self, counter: int) -> str:
        """Return what the tag writes into its code's query at the tap of this number."""
        covered = f"{self._file_data.hex().upper()}&cmac=" if self._file_data else ""
        mac = mac_of(diversified(self._keys, self.uid), self.uid, counter, covered.encode())
        written = [self._encrypted(counter) if self._is_encrypted else self._plain(counter)]
        if self._file_data:
            written.append(f"enc={self._file_data.hex().upper()}")
        return "&".join([*written, f"cmac={mac.hex().upper()}"])

    def _plain(self, counter: int) -> str:
        return f"uid={self.uid.hex().upper()}&ctr={counter:06X}"

    def _encrypted(self, counter: int) -> str:
        assert self._keys.meta_read
        data = b"\xc7" + self.uid + counter.to_bytes(3, "little") + b"\x5a" * 5
        encryptor = Cipher(algorithms.AES(self._keys.meta_read), modes.CBC(bytes(16))).encryptor()
        return f"picc_data={(encryptor.update(data) + encryptor.finalize()).hex().upper()}"
