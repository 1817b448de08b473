"""Files of imports: JSON lines and CSV give the same lines with the right numbers."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from mailfold.bulk.lines import LINE_LIMIT, ImportFile
from mailfold.operator.failure import CommandFailed


def read(tmp_path: Path, octets: bytes) -> list[tuple[int, object, str]]:
    path = tmp_path / "file"
    path.write_bytes(octets)
    return [
        (line.number, orjson.loads(line.json) if line.json and not line.mistake else None, line.mistake)
        for line in ImportFile(path).lines()
    ]


def test_json_lines(tmp_path: Path) -> None:
    octets = b'\xef\xbb\xbf{"a":1}\n\n# no line\r\n  {"b":2}  \r\n{"c":3}'
    assert read(tmp_path, octets) == [(1, {"a": 1}, ""), (4, {"b": 2}, ""), (5, {"c": 3}, "")]


def test_csv_names_its_fields_and_leaves_empty_ones_out(tmp_path: Path) -> None:
    octets = (
        b'\xef\xbb\xbfkind,name,password\nuser,ann,\n\n# no row,,\nuser,"B, ob","two\nlines"\nuser,cat,x,more\nuser\n'
    )
    assert read(tmp_path, octets) == [
        (2, {"kind": "user", "name": "ann"}, ""),
        (5, {"kind": "user", "name": "B, ob", "password": "two\nlines"}, ""),
        (7, None, "the row has 4 columns, and the first one names 3"),
        (8, {"kind": "user"}, ""),
    ]


def test_a_long_line_is_a_mistake_and_the_next_one_is_read(tmp_path: Path) -> None:
    octets = b'{"a":"' + b"x" * (3 * LINE_LIMIT) + b'"}\n{"b":2}\n'
    assert read(tmp_path, octets) == [(1, None, f"a line has at most {LINE_LIMIT} octets"), (2, {"b": 2}, "")]


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"name,password\nann,x\n", "one of them is `kind`"),
        (b"kind,name,name\n", "each once"),
        (b"", "one of them is `kind`"),
        (b'"kind,name\n' + b"user,x\n" * LINE_LIMIT, "not closed"),
        (b"kind," * LINE_LIMIT, f"at most {LINE_LIMIT} octets"),
        (b"kind,\xff\n", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, octets: bytes, text: str) -> None:
    with pytest.raises(CommandFailed, match=text):
        read(tmp_path, octets)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (b"user,\xff", "this is not UTF-8: invalid start byte at octet 6 of the row"),
        (b'user,"a" b', "this is no CSV that can be read: ',' expected after '"),
        (b'user,"' + b"x" * LINE_LIMIT + b'"', f"a line has at most {LINE_LIMIT} octets"),
        (b"user," * LINE_LIMIT, f"a line has at most {LINE_LIMIT} octets"),
        (b"user,x,y", "the row has 3 columns, and the first one names 2"),
    ],
)
def test_a_row_with_a_mistake_leaves_the_others(tmp_path: Path, row: bytes, text: str) -> None:
    read_lines = read(tmp_path, b"kind,name\nuser,ann\n" + row + b"\nuser,bob\n")
    assert [(number, mistake.split('"')[0]) for number, _, mistake in read_lines] == [(2, ""), (3, text), (4, "")]


def test_a_quotation_mark_without_an_end_takes_its_own_line_alone(tmp_path: Path) -> None:
    rows = [b"user,%d" % number for number in range(LINE_LIMIT // 5)]
    read_lines = read(tmp_path, b"\n".join([b"kind,name", b'user,"ann', *rows, b'user,"two', b'lines"', b"user,bob"]))
    assert [line for line in read_lines if line[2]] == [
        (2, None, f"a quotation mark is not closed within {LINE_LIMIT} octets")
    ]
    assert len(read_lines) == len(rows) + 3
    assert read_lines[-2][1] == {"kind": "user", "name": "two\nlines"}


def test_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="no file"):
        ImportFile(tmp_path / "none")


def test_the_digest_is_of_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b'{"a":1}\n' * 200_000)
    first = ImportFile(path).digest()
    path.write_bytes(b'{"a":1}\n' * 199_999 + b'{"a":2}\n')
    assert ImportFile(path).digest() != first
