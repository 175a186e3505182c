"""Where the peers are looked for."""

from pathlib import Path

import pytest

from bench.peers.places import Places


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_nothing_is_found_where_nothing_was_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("bench.peers.places._SYSTEM_PATH", str(tmp_path))
    places = Places(tmp_path / "peers")
    assert places.debian_program("wrk") is None
    assert places.program("node") is None
    assert places.express() is None
    assert places.debian_environment() == {}


@pytest.mark.parametrize("folder", ["bin", "sbin"])
def test_an_unpacked_program_comes_before_the_machines(tmp_path, monkeypatch, folder):
    machines = program(tmp_path / "machine/wrk")
    monkeypatch.setenv("PATH", str(machines.parent))
    places = Places(tmp_path / "peers")
    assert places.debian_program("wrk") == machines
    unpacked = program(places.debian / "usr" / folder / "wrk")
    assert places.debian_program("wrk") == unpacked


def test_unpacked_programs_find_their_libraries(tmp_path):
    places = Places(tmp_path)
    library = places.debian / "usr/lib/x86_64-linux-gnu/libluajit-5.1.so.2"
    library.parent.mkdir(parents=True)
    library.write_text("")
    assert places.debian_environment() == {"LD_LIBRARY_PATH": str(library.parent)}
