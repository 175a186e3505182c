"""What asking endpoints ends in where there is no answer. Never with an address in it. Pure."""

from typing import Any


class NoEndpointError(Exception):
    """Nobody answered: all rest, are limited, or have failed.

    ``seconds``: how long until one of them may be asked. ``tried``: what each that was asked said.
    ``left_out``: why each of the others was not asked.
    """

    def __init__(
        self, seconds: float, tried: tuple[str, ...] = (), left_out: tuple[str, ...] = ()
    ) -> None:
        said = "; ".join((*tried, *left_out)) or "none is enabled"
        super().__init__(f"no endpoint answers ({said}); one may be asked in {seconds:.1f} s")
        self.seconds = seconds
        self.tried = tried
        self.left_out = left_out


class RefusedError(Exception):
    """What was asked is wrong and would be everywhere, or is nowhere to be had.

    ``code``: JSON-RPC's, None where only HTTP's status told so. ``data``: what came with it.
    """

    def __init__(self, endpoint: str, code: int | None, message: str, data: Any = None) -> None:
        super().__init__(f"{endpoint} refuses: {message}" + (f" ({code})" if code else ""))
        self.endpoint = endpoint
        self.code = code
        self.message = message
        self.data = data
