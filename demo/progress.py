"""Live progress: one line that redraws itself on a terminal, a line now and then elsewhere."""

import math
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

WINDOW_SECONDS = 3.0
LINE_SECONDS = 5.0
_BAR = 24


@dataclass
class Speed:
    """How fast a count grows, over the last few seconds; remembers the fastest."""

    window: float = WINDOW_SECONDS
    peak: float = 0.0
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, now: float, count: int) -> float:
        """Take a sample and return units a second."""
        self._samples.append((now, count))
        # One sample from before the window stays: it is where the window begins.
        while len(self._samples) > 2 and self._samples[1][0] <= now - self.window:
            self._samples.popleft()
        (then, before), elapsed = self._samples[0], now - self._samples[0][0]
        speed = (count - before) / elapsed if elapsed > 0 else 0.0
        # Work arrives in large pieces: only a full window tells a speed from a stroke of luck.
        if now - then >= self.window:
            self.peak = max(self.peak, speed)
        return speed


def duration(seconds: float) -> str:
    """Return a time as people read it: ``8 s``, ``1:05``, ``2:00:05``."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def progress_line(
    label: str, done: int, total: int, *, speed: float, unit: str = "units", further: str = ""
) -> str:
    """Return one line: bar, share, count, speed, what else there is to say, time left."""
    share = min(done / total, 1.0) if total else 1.0
    # Rounded down: full means done.
    filled = int(share * _BAR)
    parts = [
        f"{label} [{'#' * filled}{'.' * (_BAR - filled)}] {int(share * 100):3}%",
        f"{done:,}/{total:,} {unit}",
        f"{speed:,.0f} {unit}/s",
    ]
    if further:
        parts.append(further)
    if done < total:
        parts.append(f"ETA {duration((total - done) / speed)}" if speed > 0 else "ETA --")
    return "  ".join(parts)


class Progress:
    """Shows how one thing gets on. Used as a context manager it leaves its last line behind."""

    def __init__(
        self,
        label: str,
        total: int,
        *,
        unit: str = "units",
        out: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label, self._total, self._unit = label, total, unit
        self._out = out or sys.stderr
        self._live = self._out.isatty()
        self._clock = clock
        self._printed_at = clock()
        self._line = self._shown = ""
        self.speed = Speed()

    def update(self, done: int, further: str = "") -> None:
        """Take the count of now, and show it if it is time."""
        now = self._clock()
        speed = self.speed.add(now, done)
        self._line = progress_line(
            self._label, done, self._total, speed=speed, unit=self._unit, further=further
        )
        if self._live:
            # Cut: a line that wraps could not be redrawn.
            self._write("\r\x1b[2K" + self._line[: shutil.get_terminal_size().columns - 1])
        elif now - self._printed_at >= LINE_SECONDS:
            self._printed_at = now
            self._print_line()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._write("\n" if self._line else "")
        elif self._line != self._shown:
            self._print_line()

    def _print_line(self) -> None:
        self._shown = self._line
        self._write(f"          {self._line}\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
