"""The last price of each network, kept where planes that reach no endpoint can read it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from minting.chain.prices import Congestion, Price
from minting.models import ChainPrice
from tieback.metrics import CHAIN_CONGESTION, CHAIN_MICRO_LAMPORTS

#: What is older says nothing of now: workers ask every half minute.
STALE_AFTER = timedelta(minutes=5)
_LONGEST_REASON = 200
_LEVELS = {Congestion.LOW: 0, Congestion.NORMAL: 1, Congestion.HIGH: 2}
_KEEP = """
insert into minting_chainprice
    (network, blockchain, micro_lamports, congestion, reason, measured_at)
values (%(network)s, 'solana', %(price)s, %(congestion)s, %(reason)s, clock_timestamp())
    on conflict (network) do update
   set micro_lamports = excluded.micro_lamports, congestion = excluded.congestion,
       reason = excluded.reason, measured_at = excluded.measured_at
"""


@dataclass(frozen=True)
class KeptPrice:
    """A price, and when a worker was told it."""

    price: Price
    measured_at: datetime

    @property
    def is_stale(self) -> bool:
        """Whether it says nothing of now."""
        return timezone.now() - self.measured_at > STALE_AFTER


def keep_price(network: str, price: Price) -> None:
    """Write down what a network asks for now, and show it to whoever scrapes this worker."""
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "network": network,
                "price": price.micro_lamports,
                "congestion": price.congestion.value,
                "reason": price.reason[:_LONGEST_REASON],
            },
        )
    CHAIN_CONGESTION.set(_LEVELS[price.congestion])
    CHAIN_MICRO_LAMPORTS.set(price.micro_lamports)


def last_prices() -> dict[str, KeptPrice]:
    """Return the last price of each network that was ever asked."""
    return {row.network: _kept(row) for row in ChainPrice.objects.all()}


def last_price(network: str) -> KeptPrice | None:
    """Return the last price of a network; None where no worker has asked it yet."""
    row = ChainPrice.objects.filter(network=network).first()
    return None if row is None else _kept(row)


def _kept(row: ChainPrice) -> KeptPrice:
    price = Price(row.micro_lamports, Congestion(row.congestion), row.reason)
    return KeptPrice(price, row.measured_at)
