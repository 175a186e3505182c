"""The progress display: what the line says, and where it goes."""

import io

import pytest

from demo.progress import Progress, Speed, duration, progress_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_line_says_share_count_speed_and_time_left() -> None:
    line = progress_line("minting", 250_000, 1_000_000, speed=125_000, further="13 cycles")
    assert line == (
        "minting [######..................]  25%  250,000/1,000,000 units"
        "  125,000 units/s  13 cycles  ETA 6 s"
    )


def test_a_finished_line_has_no_time_left() -> None:
    line = progress_line("packs", 5, 5, speed=2, unit="packs")
    assert line == "packs [########################] 100%  5/5 packs  2 packs/s"


def test_a_line_that_stands_still_knows_no_time_left() -> None:
    assert progress_line("minting", 0, 10, speed=0).endswith("ETA --")


def test_the_bar_is_full_only_at_the_end() -> None:
    line = progress_line("minting", 999_999, 1_000_000, speed=1)
    assert "#.]  99%" in line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (59, "59 s"), (59.5, "1:00"), (65, "1:05"), (7205, "2:00:05")],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_speed_is_that_of_the_last_seconds() -> None:
    speed = Speed(window=3.0)
    assert speed.add(0.0, 0) == 0.0
    assert speed.add(1.0, 100) == 100.0
    for second in range(2, 11):
        latest = speed.add(float(second), 100 + 10 * (second - 1))
    assert latest == pytest.approx(10.0)


def test_the_peak_is_taken_over_full_windows_only() -> None:
    speed = Speed(window=3.0)
    speed.add(0.0, 0)
    speed.add(0.1, 20_000)
    assert speed.peak == 0.0
    speed.add(3.0, 30_000)
    assert speed.peak == pytest.approx(10_000.0)


def test_on_a_terminal_the_line_redraws_itself_and_is_cut_to_its_width(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    with Progress("minting", 100, out=out, clock=Clock()) as progress:
        progress.update(10)
        progress.update(20)
    drawn = out.getvalue()
    assert drawn.count("\r\x1b[2Kminting") == 2
    assert drawn.endswith("\n")
    assert all(len(line) < 40 for line in drawn.strip().replace("\x1b[2K", "").split("\r"))


def test_elsewhere_a_line_is_printed_every_few_seconds_and_at_the_end() -> None:
    out, clock = io.StringIO(), Clock()
    with Progress("minting", 100, out=out, clock=clock) as progress:
        for count in range(13):
            progress.update(count)
            clock.now += 1
    lines = out.getvalue().splitlines()
    assert [line.split("%  ")[1].split("  ")[0] for line in lines] == [
        "5/100 units",
        "10/100 units",
        "12/100 units",
    ]
    assert "\x1b" not in out.getvalue()


def test_nothing_is_printed_twice_nor_without_a_count() -> None:
    out, clock = io.StringIO(), Clock()
    with Progress("minting", 100, out=out, clock=clock) as progress:
        clock.now += 6
        progress.update(100)
    assert len(out.getvalue().splitlines()) == 1
    with Progress("minting", 100, out=out):
        pass
    assert len(out.getvalue().splitlines()) == 1
