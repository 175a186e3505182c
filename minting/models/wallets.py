"""Wallets that were used, and the network that each belongs to. No key is ever kept here."""

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from minting.chain.networks import NETWORKS
from minting.states import WalletRole

_KEY = r"^[1-9A-HJ-NP-Za-km-z]{32,44}$"


class ChainWallet(models.Model):
    """An address that this installation has signed for, and the one network that it may be used on.

    The platform's own: it belongs to no brand. Written when a key is first used, never deleted;
    the only thing that changes is that it is retired, once.
    """

    address = models.CharField(max_length=44, primary_key=True)
    role = models.CharField(max_length=12, choices=WalletRole.choices)
    network = models.CharField(max_length=12, choices=[(name, name) for name in NETWORKS])
    genesis_hash = models.CharField(max_length=44)
    first_used_at = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True)

    class Meta:
        permissions = (("retire_chainwallet", "Can retire wallets"),)
        ordering = ("-first_used_at", "address")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(role__in=WalletRole.values), name="minting_wallet_role"
            ),
            models.CheckConstraint(
                condition=models.Q(network__in=list(NETWORKS)), name="minting_wallet_network"
            ),
            models.CheckConstraint(
                condition=models.Q(address__regex=_KEY, genesis_hash__regex=_KEY),
                name="minting_wallet_form",
            ),
        )
        triggers = (
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="binding_stays",
                fields=["address", "role", "network", "genesis_hash", "first_used_at"],
            ),
            pgtrigger.Protect(
                name="retired_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__retired_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return self.address
