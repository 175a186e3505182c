"""How to tell that a server answers."""

import http.client
import socket

from tieback.stack.ports import HOST


def http_answers(port: int, path: str = "/") -> bool:
    """Say whether a GET is answered, by anything but a server error."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def redis_answers(port: int, password: str) -> bool:
    """Say whether a server of the Redis protocol takes the password and is done loading."""
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answers = connection.makefile("rb")
            return answers.readline() == b"+OK\r\n" and answers.readline() == b"+PONG\r\n"
    except OSError:
        return False
