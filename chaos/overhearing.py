"""Listening to what is sent through the broker, and sending it again.

The server's own MONITOR shows every message as it is pushed; nothing in the processes is changed.
"""

import json
import threading
from uuid import uuid4

import redis

_AGAIN = "again"


class Messages:
    """Overhears every message, counts senders, and sends each ``copies`` times more."""

    def __init__(self, url: str, *, copies: int = 0) -> None:
        self.seen = 0
        self.sent_again = 0
        self.by_sender: dict[str, int] = {}
        self.failed = ""
        self._copies = copies
        self._client: redis.Redis = redis.Redis.from_url(url)
        self._monitor = self._client.monitor()  # type: ignore[no-untyped-call]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "Messages":
        self._monitor.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        # The listener wakes up at the next command that the server gets.
        self._client.ping()
        self._thread.join(10)
        self._monitor.__exit__(None, None, None)
        self._client.close()

    def _listen(self) -> None:
        with redis.Redis(connection_pool=self._client.connection_pool) as sender:
            while not self._stop.is_set():
                words = str(self._monitor.next_command()["command"]).split(" ", 2)
                if words[0].upper() == "LPUSH" and len(words) == 3:
                    try:
                        self._overhear(sender, words[1], words[2])
                    except ValueError as error:
                        self.failed = f"a message could not be read: {error}"

    def _overhear(self, sender: redis.Redis, queue: str, text: str) -> None:
        message = json.loads(text)
        if message["headers"].get(_AGAIN):
            return
        self.seen += 1
        origin = str(message["headers"].get("origin", ""))
        self.by_sender[origin] = self.by_sender.get(origin, 0) + 1
        message["headers"][_AGAIN] = True
        for _ in range(self._copies):
            # The broker client keeps what is unacknowledged by this tag.
            message["properties"]["delivery_tag"] = str(uuid4())
            sender.lpush(queue, json.dumps(message))
            self.sent_again += 1
