"""How many requests a caller may send: counted in Redis, in one step, across all processes.

A caller is a credential or a person, never an address, so no header of theirs changes who is
counted. A minute begins with a caller's first request and lets ``API_RATE_LIMIT`` of them pass.
Failed sign-ins are counted elsewhere (django-axes, in the database).
"""

import time
from functools import cache
from typing import Any, cast

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.request import Request

from tieback.api.principal import Machine
from tieback.errors import TiebackError, Unavailable
from tieback.metrics import RATE_LIMIT_SKIPPED, RATE_LIMITED

PREFIX = "tieback:rate"
WINDOW_MS = 60_000
TIMEOUT_SECONDS = 0.1
# After a failure nobody asks Redis again for so long: a dead one must not slow every request.
REST_SECONDS = 2.0

# Increment, expiry and answer in one step: no other request comes between.
_COUNT = """
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    left = tonumber(ARGV[1])
end
return {count, left}
"""

log = structlog.get_logger(__name__)


class TooManyRequests(TiebackError):
    """You have sent as many requests as one minute allows. Go on after Retry-After seconds."""

    code = "TOO_MANY_REQUESTS"
    status = 429

    def __init__(self, left_ms: int) -> None:
        """Say when the caller's next minute begins."""
        super().__init__()
        self.retry_after = max(1, -(-left_ms // 1000))


class _Rest:
    """Until when Redis is left alone."""

    until = 0.0


@cache
def _counter(url: str) -> Any:
    client = redis.Redis.from_url(
        url,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return client.register_script(_COUNT)


def count_request(request: Request) -> None:
    """Count a request of somebody who proved who they are; raise where it is one too many.

    Without Redis nothing can be counted: the request passes, or with
    ``API_RATE_LIMIT_FAILS_OPEN`` off it is refused by a 503.
    """
    caller = _caller(request)
    if caller is None or not settings.API_RATE_LIMIT or not settings.REDIS_URL:
        return
    counted = _count(f"{PREFIX}:{caller}")
    if counted is None:
        RATE_LIMIT_SKIPPED.inc()
        if not settings.API_RATE_LIMIT_FAILS_OPEN:
            raise Unavailable
        return
    count, left_ms = counted
    if count > settings.API_RATE_LIMIT:
        RATE_LIMITED.inc()
        raise TooManyRequests(left_ms)


def _caller(request: Request) -> str | None:
    user = request.user
    if isinstance(user, Machine):
        return f"credential:{user.credential_id}"
    return f"user:{user.pk}" if user and user.is_authenticated else None


def _count(key: str) -> tuple[int, int] | None:
    if time.monotonic() < _Rest.until:
        return None
    try:
        return cast("tuple[int, int]", _counter(settings.REDIS_URL)(keys=[key], args=[WINDOW_MS]))
    except redis.RedisError as error:
        _Rest.until = time.monotonic() + REST_SECONDS
        log.warning("rate_limit_not_counted", error=type(error).__name__)
        return None
