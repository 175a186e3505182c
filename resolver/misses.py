"""Holds back whoever asks for codes that are not there: a bucket of misses for each network.

Only misses are counted, codes that are unknown or malformed; a code that is known is answered
whatever else came from its network, so a shop with one address and a hundred phones never notices.
The buckets are this process's own, in memory: the resolver needs nothing but its database.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from django.conf import settings

from resolver.networks import address_of, place_of

#: Networks remembered, about 4 MB. Beyond that the one that was quiet for longest is forgotten, and
#: has a full bucket when it comes again.
MOST_NETWORKS = 16_384


class MissLimit:
    """Token buckets by network. Each holds a minute's misses and fills up evenly."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, most: int = MOST_NETWORKS
    ) -> None:
        self._clock, self._most = clock, most
        # What was left, and when; the network that was heard last stands last.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._left)

    def take(self, network: str, per_minute: int) -> int:
        """Count a miss; return 0, or in how many seconds the next may be answered."""
        a_second = per_minute / 60
        with self._lock:
            now = self._clock()
            left, then = self._left.pop(network, (float(per_minute), now))
            left = min(float(per_minute), left + (now - then) * a_second)
            is_taken = left >= 1
            left -= is_taken
            self._left[network] = left, now
            if len(self._left) > self._most:
                self._left.popitem(last=False)
        return 0 if is_taken else math.ceil((1 - left) / a_second)


_limit = MissLimit()


def seconds_to_wait(environ: Mapping[str, object]) -> int:
    """Count a miss of the request's network; return 0, or how long it should wait."""
    per_minute = settings.TIEBACK_MISSES_PER_MINUTE
    if not per_minute:
        return 0
    return _limit.take(place_of(address_of(environ)).network, per_minute)
