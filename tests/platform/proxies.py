"""A TCP proxy that can be switched off, or made to swallow what it is sent."""

import socket
import threading
from contextlib import suppress
from types import TracebackType


class Proxy:
    """Forwards connections to a server, until told to refuse them or to fall silent."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._flowing = threading.Event()
        self._flowing.set()
        self._sockets: list[socket.socket] = []
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.switch_off()

    def switch_off(self) -> None:
        """Refuse new connections and cut the present ones."""
        self._flowing.set()
        for known in (self._listener, *self._sockets):
            with suppress(OSError):
                known.shutdown(socket.SHUT_RDWR)
            known.close()
        self._sockets.clear()

    def switch_on(self) -> None:
        """Listen again on the same port."""
        self._listener = self._listen(self.port)

    def fall_silent(self) -> None:
        """Take connections and bytes, and pass nothing on."""
        self._flowing.clear()

    def speak_again(self) -> None:
        """Pass everything on."""
        self._flowing.set()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._upstream)
            self._sockets += [caller, server]
            for source, target in ((caller, server), (server, caller)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65_536):
                self._flowing.wait()
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)
