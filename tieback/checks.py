"""System checks: rules between settings, each with an id and a hint that says what to type."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.core import checks

from minting.chain.networks import why_no_key
from minting.chain.trees.shapes import UnsoundShape, sound
from resolver.networks import why_unreadable


@checks.register(checks.Tags.compatibility)
def timeouts_are_ordered(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """A task must end before its lease, a lease before the broker redelivers."""
    ladder = (
        ("TIEBACK_WINDOW_SECONDS", settings.TIEBACK_WINDOW_SECONDS),
        ("TASK_SOFT_TIME_LIMIT", settings.TASK_SOFT_TIME_LIMIT),
        ("TASK_TIME_LIMIT", settings.TASK_TIME_LIMIT),
        ("TIEBACK_LEASE_SECONDS", settings.TIEBACK_LEASE_SECONDS),
        ("BROKER_VISIBILITY_TIMEOUT", settings.BROKER_VISIBILITY_TIMEOUT),
    )
    return [
        checks.Error(
            f"{low} ({low_value}) must be less than {high} ({high_value}).",
            hint=f"Lower {low} or raise {high}.",
            id="tieback.E001",
        )
        for (low, low_value), (high, high_value) in pairwise(ladder)
        if not low_value < high_value
    ]


@checks.register(checks.Tags.security, deploy=True)
def crash_points_are_off(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """Crash points exist for fault injection; production must not carry one."""
    if not settings.TIEBACK_CRASH_POINT:
        return []
    return [
        checks.Error(
            "TIEBACK_CRASH_POINT is set.",
            hint="Unset it; it kills workers on purpose.",
            id="tieback.E002",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def proxies_are_counted(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """Behind a proxy that is not counted, the whole world is one network to the resolver."""
    is_behind = settings.TIEBACK_PLANE == "resolver" and settings.SECURE_PROXY_SSL_HEADER
    if not is_behind or settings.TIEBACK_TRUSTED_PROXIES or not settings.TIEBACK_MISSES_PER_MINUTE:
        return []
    return [
        checks.Warning(
            "TIEBACK_BEHIND_PROXY is set and TIEBACK_TRUSTED_PROXIES is 0: misses of everybody"
            " are counted as the proxy's.",
            hint="Set TIEBACK_TRUSTED_PROXIES to the number of proxies in front.",
            id="tieback.W004",
        )
    ]


@checks.register(checks.Tags.files)
def places_can_be_read(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """Scans are answered without places as well, so nobody would notice that they are missing."""
    path = settings.TIEBACK_GEOIP_DATABASE
    fault = path and settings.TIEBACK_PLANE == "resolver" and why_unreadable(path)
    if not fault:
        return []
    return [
        checks.Warning(
            f"TIEBACK_GEOIP_DATABASE cannot be read ({fault}): scans are written down without"
            " country and place.",
            hint="Name a whole .mmdb file with IPv4 and IPv6, or unset TIEBACK_GEOIP_DATABASE.",
            id="tieback.W007",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def metrics_have_a_token(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    """Metrics name no brand, but a stranger has no business with them."""
    if settings.METRICS_TOKEN:
        return []
    return [
        checks.Warning(
            "METRICS_TOKEN is not set: /metrics answers anyone who reaches the port.",
            hint="Set METRICS_TOKEN and give it to the scraper as its bearer token.",
            id="tieback.W003",
        )
    ]


@checks.register(checks.Tags.security)
def public_networks_are_named_twice(
    app_configs: Sequence[Any] | None, **_: Any
) -> list[checks.CheckMessage]:
    """A key that was meant for another network must not sign on one that costs money."""
    has_key = settings.SOLANA_PAYER or settings.SOLANA_TREE_CREATOR
    reason = why_no_key(settings.SOLANA_NETWORK, settings.SOLANA_ALLOW_PUBLIC_NETWORK)
    if not has_key or reason is None:
        return []
    return [
        checks.Error(
            f"{reason}.",
            hint=f"Set SOLANA_ALLOW_PUBLIC_NETWORK={settings.SOLANA_NETWORK}, or unset the key.",
            id="tieback.E005",
        )
    ]


@checks.register(checks.Tags.compatibility)
def trees_have_a_sound_shape(
    app_configs: Sequence[Any] | None, **_: Any
) -> list[checks.CheckMessage]:
    """What the programs would refuse must not be found out when a tree is needed."""
    try:
        sound(*settings.SOLANA_TREE)
    except UnsoundShape as error:
        return [
            checks.Error(
                f"SOLANA_TREE_DEPTH, SOLANA_TREE_BUFFER, SOLANA_TREE_CANOPY: {error}",
                hint="docs/chain.md lists the shapes of trees.",
                id="tieback.E006",
            )
        ]
    return []
