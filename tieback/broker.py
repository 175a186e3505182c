"""kombu's Redis transport, made to outlive its broker.

Two faults of it end a worker's work without a word when the broker is away for a moment: one ends
the process, the other leaves it alive with nothing to do. Both were found by fault injection.
"""

from contextlib import suppress

from kombu.transport import TRANSPORT_ALIASES, redis, virtual

# By scheme and not by name: kombu encrypts where the scheme says so, and nowhere else.
SCHEMES = ("redis", "rediss")


class QoS(redis.QoS):
    """Frees a message's place among those being worked on, even if the broker was not told.

    A worker fetches as many messages as it has free places. Where the broker does not take an
    acknowledgement Celery logs it and goes on, the place stays taken, and with the last place the
    worker fetches nothing any more. The broker delivers the message again after its visibility
    timeout, which is harmless: a message is a doorbell.
    """

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge; raises what the connection raises."""
        try:
            super().ack(delivery_tag)
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002
        """Give a message up, or back; raises what the connection raises."""
        try:
            super().reject(delivery_tag, requeue)
        finally:
            virtual.QoS.ack(self, delivery_tag)


class Channel(redis.Channel):
    """Closes whole, whatever state its connection is in.

    ``close`` is broken off where the answer that the channel polls for never comes. Celery then
    takes the connection from the transport and closes once more: this time the channel comes as
    far as giving back its unacknowledged messages, finds no connection to do it with, and the
    ``AttributeError`` ends the worker.
    """

    QoS = QoS

    def close(self) -> None:
        """Close, a second time where an error of connection or server broke off the first."""
        with suppress(*Transport.connection_errors, *Transport.channel_errors):
            super().close()
            return
        super().close()


class Transport(redis.Transport):
    """The transport with these channels."""

    Channel = Channel


def use_for_redis() -> None:
    """Let every Redis URL mean this transport."""
    TRANSPORT_ALIASES.update(dict.fromkeys(SCHEMES, f"{__name__}:{Transport.__name__}"))
