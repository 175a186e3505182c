"""Endpoints of a chain: where they are, and how they have done lately. No brand's: the platform's.

The rules are in ``minting/chain/rpc/``; workers write the columns of health every few seconds.
"""

from django.db import models
from django.db.models.functions import Now

from minting.chain.rpc.addresses import shown
from minting.chain.rpc.breaker import State


class RpcEndpoint(models.Model):
    """One endpoint. Its ``url`` may carry a key: nothing but ``shown_url`` of it is ever shown.

    ``from_settings``: the settings name it now. ``position``: who has the lower one is preferred.
    ``per_second``: requests of one process, 0 for no limit. ``status`` is its breaker's, and it is
    not asked before ``rests_until``. ``failure_rate`` and ``average_latency_ms`` are moving
    averages; ``slot_lag`` is how many slots it is behind the others, empty where none is known.
    """

    SOLANA = "solana"

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100, unique=True)
    url = models.CharField(max_length=2000, unique=True)
    blockchain = models.CharField(max_length=16, choices=[(SOLANA, "Solana")], default=SOLANA)
    enabled = models.BooleanField(default=True)
    per_second = models.FloatField(default=0.0)
    position = models.PositiveSmallIntegerField(default=100)
    from_settings = models.BooleanField(default=False, editable=False)
    status = models.CharField(
        max_length=9,
        choices=[(state.value, state.value.replace("_", " ").capitalize()) for state in State],
        default=State.CLOSED.value,
    )
    opened_times = models.PositiveSmallIntegerField(default=0)
    rests_until = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True, default="")
    success_count = models.BigIntegerField(default=0)
    failure_count = models.BigIntegerField(default=0)
    failure_rate = models.FloatField(default=0.0)
    average_latency_ms = models.FloatField(null=True)
    slot = models.BigIntegerField(null=True)
    slot_lag = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "RPC endpoint"
        permissions = (
            ("switch_rpcendpoint", "Can enable and disable RPC endpoints"),
            ("forgive_rpcendpoint", "Can close the breakers of RPC endpoints"),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(status__in=[state.value for state in State]),
                name="minting_rpc_status",
            ),
            models.CheckConstraint(
                condition=~models.Q(status=State.OPEN.value)
                | models.Q(rests_until__isnull=False, opened_times__gte=1),
                name="minting_rpc_open_rests",
            ),
            models.CheckConstraint(
                condition=models.Q(failure_rate__gte=0, failure_rate__lte=1),
                name="minting_rpc_failure_rate",
            ),
            models.CheckConstraint(
                condition=models.Q(per_second__gte=0), name="minting_rpc_per_second"
            ),
            models.CheckConstraint(
                condition=models.Q(blockchain__in=["solana"]), name="minting_rpc_blockchain"
            ),
            models.CheckConstraint(
                condition=models.Q(url__regex=r"^https?://[^\s/]"), name="minting_rpc_url"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def shown_url(self) -> str:
        """Scheme and host of its address."""
        return shown(self.url)
