"""A Celery consumer that outlives its broker."""

from contextlib import suppress
from typing import Any

from celery.worker.consumer import Consumer


class ReconnectingConsumer(Consumer):
    """Closes each channel of a lost connection whole, before Celery lets the connection go.

    kombu's Redis channel breaks off its own ``close`` where the answer it is polling for never
    comes. Celery then takes the connection from the transport and closes once more: this time the
    channel gets as far as giving back its unacknowledged messages, finds no connection to do it
    with, and the ``AttributeError`` ends the worker. A second close while the connection is still
    there goes through, or fails with an error of the connection, as Celery expects.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Close the channels twice, then let Celery connect anew."""
        connection: Any = self.connection
        if connection:
            lost = (*connection.connection_errors, *connection.channel_errors)
            for channel in list(connection.transport.channels or ()):
                for _ in range(2):
                    with suppress(*lost):
                        channel.close()
        super().on_connection_error_after_connected(exc)
