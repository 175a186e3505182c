"""What each kind of submission is made of, and what follows when it is done.

A kind is a module with the functions of ``Kind``; named here as text, since it asks for
submissions and is asked by those who send them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast
from uuid import UUID

from django.utils.module_loading import import_string
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from minting.states import SubmissionKind


class Kind(Protocol):
    """One way of using a chain."""

    def instructions(self, payload: Mapping[str, Any], payer: Pubkey) -> Sequence[Instruction]:
        """Return what the transaction does, without its compute budget."""

    def mints(self, payload: Mapping[str, Any]) -> int:
        """Return how many assets the transaction makes."""

    def is_final(self, error: str) -> bool:
        """Tell whether another attempt would meet the same error, as the chain words it."""

    def completed(self, brand_id: UUID, batch_id: UUID, payload: Mapping[str, Any]) -> None:
        """Do what follows, in the transaction that completes the submission and its brand's
        scope.
        """


_MODULES = {SubmissionKind.ANCHOR: "minting.chain.anchoring.ANCHOR"}


class _Kinds(dict[str, Kind]):
    def __missing__(self, kind: str) -> Kind:
        found = cast("Kind", import_string(_MODULES[SubmissionKind(kind)]))
        self[kind] = found
        return found


KINDS: Mapping[str, Kind] = _Kinds()
