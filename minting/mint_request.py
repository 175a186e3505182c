"""What a caller asks for, already well formed, and what tells it from another request."""

from dataclasses import asdict, dataclass, fields
from uuid import UUID

from minting import idempotency
from minting.lots import Lot
from minting.serial_rules import SerialRule
from minting.states import ActivationMode, IdentityMode, Priority


@dataclass(frozen=True)
class MintRequest:
    """A request for units. Of ``serial_rule``, ``serials`` and ``serial_list_id`` one at most."""

    product_id: UUID
    quantity: int
    production_batch_id: UUID | None = None
    identity_mode: IdentityMode = IdentityMode.SERIAL
    activation_mode: ActivationMode = ActivationMode.FIRST_SCAN
    #: The installation's default where none is given.
    chain_mode: str | None = None
    #: The address whose the units' assets are to be; empty: the brand's wallet's.
    leaf_owner: str = ""
    priority: Priority = Priority.STANDARD
    lots: tuple[Lot, ...] = ()
    serial_rule: SerialRule | None = None
    serials: tuple[str, ...] = ()
    serial_list_id: UUID | None = None

    def fingerprint(self) -> bytes:
        """Return what tells this request from another under the same key.

        Fields at their default are left out, so that a field added later changes no earlier key.
        """
        given = asdict(self)
        for field in fields(self):
            if given[field.name] == field.default:
                del given[field.name]
        return idempotency.fingerprint(given)
