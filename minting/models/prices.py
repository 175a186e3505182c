"""What a chain asks to be taken soon, as workers last heard. No brand's: the platform's."""

from django.db import models
from django.db.models.functions import Now

from minting.chain.prices import Congestion


class ChainPrice(models.Model):
    """The last price of a network, in micro-lamports for each compute unit, and why.

    Workers write it, so that whoever has no way to an endpoint knows it too. The rules are in
    ``minting/chain/prices.py``.
    """

    network = models.CharField(max_length=32, primary_key=True)
    blockchain = models.CharField(max_length=16, default="solana")
    micro_lamports = models.PositiveBigIntegerField()
    congestion = models.CharField(
        max_length=6, choices=[(one.value, one.value.capitalize()) for one in Congestion]
    )
    reason = models.CharField(max_length=200)
    measured_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(congestion__in=[one.value for one in Congestion]),
                name="minting_price_congestion",
            ),
        )

    def __str__(self) -> str:
        return self.network
