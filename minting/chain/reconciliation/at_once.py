"""Asking many questions beside each other, so many of them under way as the settings allow."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from django.conf import settings

A = TypeVar("A")
T = TypeVar("T")


async def asked_at_once(ask: Callable[[A], Awaitable[T]], each: Iterable[A]) -> list[T]:
    """Return what is answered for each, in their order. Raises what the first that fails raises."""
    under_way = asyncio.Semaphore(int(settings.QUEUE_CONCURRENCY))

    async def one(about: A) -> T:
        async with under_way:
            return await ask(about)

    return await asyncio.gather(*map(one, each))
