"""Requests as they run in the server: turns of one event loop."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from resolver.turns import Turns


def together(
    works: Sequence[Callable[[], object]], *, first_alone: Callable[[], bool] | None = None
) -> list[Any]:
    """Run each as a request, all of them at once; return results and errors.

    With ``first_alone`` the others begin once it is true.
    """

    async def run() -> list[Any]:
        loop = asyncio.get_running_loop()
        turns, ends = Turns(loop), []
        for work in works:
            ends.append(loop.create_future())
            turns.begin(partial(_settle, ends[-1], work))
            while first_alone and not first_alone():
                await asyncio.sleep(0.001)
        return await asyncio.gather(*ends)

    return asyncio.run(run())


def _settle(end: "asyncio.Future[object]", work: Callable[[], object]) -> None:
    try:
        end.set_result(work())
    except Exception as error:
        end.set_result(error)
