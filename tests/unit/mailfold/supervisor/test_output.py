"""Log files and the terminal."""

from __future__ import annotations

import os
from pathlib import Path

from mailfold.supervisor.output import Prefixed, RotatedFile


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
