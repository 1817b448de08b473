"""Log files and the terminal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailfold.supervisor.output import Prefixed, RotatedFile, drop_stale, first_date

_DAY = 86_400.0


def test_a_full_log_is_kept_once(tmp_path: Path) -> None:
    sink = RotatedFile(tmp_path / "a.log", rotate_bytes=10)
    for piece in (b"1234567\n", b"abcdefg\n", b"ABCDEFG\n", b"x"):
        sink.write(piece)
    sink.close()
    assert (tmp_path / "a.log").read_bytes() == b"ABCDEFG\nx"
    assert (tmp_path / "a.log.1").read_bytes() == b"abcdefg\n"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_log_is_continued(tmp_path: Path) -> None:
    for piece in (b"one\n", b"two\n"):
        sink = RotatedFile(tmp_path / "a.log", rotate_bytes=100)
        sink.write(piece)
        sink.close()
    assert (tmp_path / "a.log").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "a.log").stat().st_mode & 0o777 == 0o600


def test_no_line_becomes_older_than_fourteen_days(tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    sink = RotatedFile(tmp_path / "a.log", clock=lambda: now[0])
    sink.write(b'{"timestamp":"2027-01-15T08:00:00Z"}\n')
    sink.tend()
    assert not (tmp_path / "a.log.1").exists()
    now[0] += 7.5 * _DAY
    _set_time(tmp_path / "a.log", now[0] - _DAY)
    sink.tend()
    assert (tmp_path / "a.log.1").read_bytes().startswith(b'{"timestamp":"2027-01-15')
    assert (tmp_path / "a.log").read_bytes() == b""
    now[0] += 6.1 * _DAY
    sink.tend()
    assert not (tmp_path / "a.log.1").exists()
    sink.close()


def test_the_age_of_a_log_outlives_a_restart(tmp_path: Path) -> None:
    (tmp_path / "nats.log").write_bytes(b"[7] 2027/01/15 08:00:00 [INF] Server is ready\n")
    sink = RotatedFile(tmp_path / "nats.log", clock=lambda: 1_800_000_000.0 + 8 * _DAY)
    sink.tend()
    sink.close()
    assert (tmp_path / "nats.log").read_bytes() == b""


@pytest.mark.parametrize("line", [b"no date\n", b"2027-99-99\n", b""])
def test_a_log_without_a_date_begins_now(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "a.log").write_bytes(line)
    assert first_date(tmp_path / "a.log") == 0.0


def test_logs_of_a_former_layout_go(tmp_path: Path) -> None:
    for name, days in (("edge.log", 15), ("edge.log.1", 20), ("core.log", 13), ("settings.toml", 100)):
        (tmp_path / name).write_bytes(b"x")
        _set_time(tmp_path / name, 1_800_000_000.0 - days * _DAY)
    drop_stale(tmp_path, 1_800_000_000.0)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["core.log", "settings.toml"]


def _set_time(file: Path, at: float) -> None:
    os.utime(file, (at, at))


def _prefixed(file: Path, pieces: list[bytes]) -> bytes:
    fd = os.open(file, os.O_WRONLY | os.O_CREAT)
    sink = Prefixed("core", 5, fd)
    for piece in pieces:
        sink.write(piece)
    sink.close()
    os.close(fd)
    return file.read_bytes()


def test_lines_are_kept_whole(tmp_path: Path) -> None:
    assert (
        _prefixed(tmp_path / "terminal", [b"on", b"e\ntwo\nthr", b"ee"]) == b"core  | one\ncore  | two\ncore  | three\n"
    )


def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    assert _prefixed(tmp_path / "terminal", [b"a" * 70_000, b"b\n"]).count(b"core  | ") == 2
