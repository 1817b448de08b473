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
        (b"kind,name\nuser,\xff\n", "not UTF-8"),
        (b'kind,name\nuser,"a" b\n', "no CSV"),
        (b"", "one of them is `kind`"),
        (b'kind,name\nuser,"' + b"x" * (LINE_LIMIT + 1), "field limit"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, octets: bytes, text: str) -> None:
    with pytest.raises(CommandFailed, match=text):
        read(tmp_path, octets)


def test_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="no file"):
        ImportFile(tmp_path / "none")


def test_the_digest_is_of_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b'{"a":1}\n' * 200_000)
    first = ImportFile(path).digest()
    path.write_bytes(b'{"a":1}\n' * 199_999 + b'{"a":2}\n')
    assert ImportFile(path).digest() != first
