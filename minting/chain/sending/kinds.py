"""What each kind of submission is made of, and what follows when it is done.

A kind is a module with the functions of ``Kind``; named here as text, since it asks for
submissions and is asked by those who send them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast
from uuid import UUID

from django.utils.module_loading import import_string
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.transaction_status import EncodedConfirmedTransactionWithStatusMeta

from minting.chain.sending.claims import Flight
from minting.states import SubmissionKind


class NotTold(LookupError):
    """An endpoint's answer does not hold what a kind has to learn; another's may."""


@dataclass(frozen=True)
class Keys:
    """Who may sign: the payer, which signs everything, and who creates trees."""

    payer: Pubkey
    creator: Pubkey


@dataclass(frozen=True)
class Done:
    """A submission whose transaction is final. ``learnt`` is what its kind read of that."""

    flight: Flight
    transaction_id: UUID
    spent_besides: int
    learnt: Any


class Kind(Protocol):
    """One way of using a chain."""

    def instructions(self, payload: Mapping[str, Any], keys: Keys) -> Sequence[Instruction]:
        """Return what the transaction does, without its compute budget.

        Of a kind that changes leaves the payload has ``leaves`` and ``places`` beside what is
        stored (``minting/chain/changes/proving.py``).
        """

    def changes_tree(self, payload: Mapping[str, Any]) -> str:
        """Return the address of the tree whose leaves it changes; empty where it changes none."""

    def mints(self, payload: Mapping[str, Any]) -> int:
        """Return how many assets the transaction makes."""

    def spends(self, payload: Mapping[str, Any]) -> int:
        """Return the lamports that it takes from the payer beside its fee: rent, fees of programs.

        No less than it takes: a payer that has not so much is not made to try.
        """

    def shape(self, payload: Mapping[str, Any]) -> str:
        """Return what the compute units depend on, beside number and size of the instructions."""

    def more_units(self, payload: Mapping[str, Any]) -> int:
        """Return how many compute units more it may take than another one of its shape has.

        Beside the tenth that every transaction has: for what differs by luck, as the search for an
        address does.
        """

    def is_final(self, error: str) -> bool:
        """Tell whether another attempt would meet the same error, as the chain words it."""

    def learn(
        self, payload: Mapping[str, Any], landed: EncodedConfirmedTransactionWithStatusMeta
    ) -> Any:
        """Return what ``completed`` needs of the finalized transaction. Touches no database.

        Raises ``NotTold``: then another endpoint is asked, and nothing is completed until one has
        told all of it.
        """

    def completed(self, done: Done) -> None:
        """Do what follows, in the transaction that completes the submission and its brand's
        scope.
        """

    def failed(self, flight: Flight, error: str) -> None:
        """Do what follows where a person has to look, in the transaction that says so."""

    def retried(self, submission_id: UUID) -> None:
        """Do what follows where a person lets it go on, in that transaction.

        Raises ``Conflict`` where it may not go on any more.
        """


class Plain:
    """What most kinds answer; one of them overrides what is otherwise with it."""

    def changes_tree(self, payload: Mapping[str, Any]) -> str:
        """Change no leaf."""
        return ""

    def mints(self, payload: Mapping[str, Any]) -> int:
        """Make no asset."""
        return 0

    def spends(self, payload: Mapping[str, Any]) -> int:
        """Take nothing beside the fee."""
        return 0

    def shape(self, payload: Mapping[str, Any]) -> str:
        """Depend on nothing else."""
        return ""

    def more_units(self, payload: Mapping[str, Any]) -> int:
        """Take what another one of its shape has taken."""
        return 0

    def is_final(self, error: str) -> bool:
        """Take what a program says for final, and what the network says for passing."""
        return "InstructionError" in error

    def learn(
        self, payload: Mapping[str, Any], landed: EncodedConfirmedTransactionWithStatusMeta
    ) -> Any:
        """Learn nothing but that it landed."""
        return None

    def completed(self, done: Done) -> None:
        """Leave it at that."""

    def failed(self, flight: Flight, error: str) -> None:
        """Leave it at that."""

    def retried(self, submission_id: UUID) -> None:
        """Leave it at that."""


_MODULES = {
    SubmissionKind.ANCHOR: "minting.chain.anchoring.ANCHOR",
    SubmissionKind.CERTIFICATE: "minting.chain.certificates.certifying.CERTIFICATE",
    SubmissionKind.MINT: "minting.chain.assets.minting.MINT",
    SubmissionKind.TRANSFER: "minting.chain.changes.transferring.TRANSFER",
    SubmissionKind.TREE: "minting.chain.trees.creating.TREE",
    SubmissionKind.UPDATE: "minting.chain.changes.updating.UPDATE",
}


class _Kinds(dict[str, Kind]):
    def __missing__(self, kind: str) -> Kind:
        found = cast("Kind", import_string(_MODULES[SubmissionKind(kind)]))
        self[kind] = found
        return found


KINDS: Mapping[str, Kind] = _Kinds()
