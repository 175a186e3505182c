"""Calling what waits for the database, or for a keeper of keys, from a loop that must not wait."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async

P = ParamSpec("P")
T = TypeVar("T")


async def in_own_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it in the task's own thread, which is the one that has its database connection."""
    return await sync_to_async(function, thread_sensitive=True)(*args, **kwargs)
