"""Hostile files for imports: each line has a bound, a mistake concerns its line alone, and cycles are refused."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailfold.bulk.lines import ImportFile
from mailfold.bulk.rows import LINE_LIMIT, TOO_LONG
from services.directory.domain.bulk_lines import parsed
from services.directory.domain.line_kinds import KINDS
from services.directory.domain.state import DirectoryRefused
from tests.harness.directories import ScratchDirectory, scratch_directory
from tests.harness.mails import compose
from tests.harness.server import MailfoldServer
from tests.harness.work import LineCount
from tests.harness.zone import HONEST

DOMAIN = {"kind": "domain", "name": "a.example", "incoming": True}
ANN = {"kind": "account", "address": "ann@a.example"}
LIST = {"kind": "list", "address": "all@a.example", "owners": ["ann@a.example"]}
_EACH = 64 * 1024


@pytest.fixture(scope="module")
def made() -> Iterator[ScratchDirectory]:
    with scratch_directory() as directory:
        yield directory


@pytest.fixture
def directory(made: ScratchDirectory) -> ScratchDirectory:
    """A directory with a domain, an account and a list."""
    made.clear()
    assert made.import_lines(octets(DOMAIN, ANN, LIST)) == []
    return made


def octets(*lines: dict[str, Any]) -> list[bytes]:
    return [json.dumps(line).encode() for line in lines]


def mistakes(directory: ScratchDirectory, *lines: dict[str, Any]) -> list[str]:
    """Import lines; nothing may be changed by those that are refused."""
    before = asyncio.run(directory.export_lines())
    texts = [mistake.text for mistake in directory.import_lines(octets(*lines))]
    if len(texts) == len(lines):
        assert asyncio.run(directory.export_lines()) == before
    return texts


def is_refused(directory: ScratchDirectory, line: dict[str, Any]) -> bool:
    """Whether a line is a mistake, in its form or in its decision."""
    try:
        return bool(directory.import_lines(octets(line)))
    except DirectoryRefused:
        return True


@pytest.mark.parametrize("begin", [b'{"kind":"user","name":"', b"kind,name\nuser,"])
def test_a_line_of_any_length_is_not_held_in_memory(tmp_path: Path, begin: bytes) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write(begin)
        for _ in range(64 * 1024 * 1024 // _EACH):
            file.write(b"x" * _EACH)
        file.write(b"\n" + begin.rpartition(b"\n")[2].replace(b'"name":"', b'"name":"ann"}'))
    tracemalloc.start()
    lines = list(ImportFile(path).lines())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines[0].mistake == TOO_LONG
    assert (len(lines), lines[-1].mistake) == (2, "")
    assert peak < 8 * 1024 * 1024


def test_a_million_members_in_a_line_are_refused_before_any_is_looked_up(
    directory: ScratchDirectory, tmp_path: Path
) -> None:
    many = [f"m{number}@elsewhere.example" for number in range(1_000_000)]
    path = tmp_path / "file"
    path.write_bytes(octets({"kind": "members", "list": "all@a.example", "members": many})[0])
    assert [line.mistake for line in ImportFile(path).lines()] == [TOO_LONG]
    short = ["a@b.example"] * (LINE_LIMIT // 16)
    with LineCount() as work:
        assert mistakes(directory, {"kind": "members", "list": "all@a.example", "members": short}) == [
            "a line has 1 to 1000 members of a list"
        ]
    assert work.count < len(short)
    assert "at most 500 members" in mistakes(directory, {"kind": "group", "name": "g", "members": ["u"] * 20_000})[0]
    patterns = [f"x{number}@y.example" for number in range(501)]
    assert "1 to 500 patterns" in mistakes(directory, {"kind": "senders", "list": "block", "patterns": patterns})[0]
    targets = [f"t{number}@y.example" for number in range(1_001)]
    alias = {"kind": "alias", "address": "x@a.example", "targets": targets}
    assert mistakes(directory, alias) == ["an alias has at most 1000 targets"]


@pytest.mark.parametrize("nested", [b"[", b'{"a":', b'{"kind":"user","name":[', b'{"kind":"alias","targets":[['])
def test_depth_has_a_bound(nested: bytes) -> None:
    with pytest.raises(DirectoryRefused):
        parsed(nested * (LINE_LIMIT // len(nested)))


@pytest.mark.parametrize("number", ["1" + "0" * 4_300, "1e400", str(1 << 64), "-1", '"' + "9" * 5_000 + '"', "NaN"])
def test_numbers_have_a_bound(number: str) -> None:
    with pytest.raises(DirectoryRefused):
        parsed(b'{"kind":"account","address":"x@a.example","quota_bytes":%s}' % number.encode())


def test_nul_invalid_utf8_and_bytes_of_any_value_are_mistakes(directory: ScratchDirectory) -> None:
    for kind in KINDS:
        fields = [name for name in kind.__struct_fields__ if name not in ("password", "password_hash")]
        text = f'{{"kind":"{kind.__struct_config__.tag}",' + ",".join(f'"{name}":"a%sb"' for name in fields) + "}"
        for octets_of_text in (
            text.encode() % ((b"\x00",) * len(fields)),
            text.encode() % ((b"\xff\xfe",) * len(fields)),
        ):
            with pytest.raises(DirectoryRefused):
                parsed(octets_of_text)
    before = asyncio.run(directory.export_lines())
    for name, line in (
        ("name", {"kind": "user"}),
        ("name", {"kind": "group"}),
        ("display_name", {"kind": "user", "name": "bob"}),
        ("address", {"kind": "account"}),
        ("address", {"kind": "application"}),
        ("address", {"kind": "alias", "targets": "ann@a.example"}),
        ("targets", {"kind": "alias", "address": "x@a.example"}),
        ("description", {"kind": "list", "address": "b@a.example", "owners": "ann@a.example"}),
        ("members", {"kind": "members", "list": "all@a.example"}),
        ("patterns", {"kind": "senders", "list": "block"}),
        ("host", {"kind": "relay", "preset": "smarthost", "tls": "none"}),
    ):
        for character in ("\0", "\x1b", "\u202e\n", "\ud800"):
            assert is_refused(directory, {**line, name: f"a{character}b@a.example"}), (name, character)
    assert asyncio.run(directory.export_lines()) == before


def rows_with_open_quotes(count: int) -> bytes:
    """Every row opens a quotation mark, and only the one after the longest row closes it."""
    return b"kind,name\n" + (b'user,"x\n' + b"y," * (LINE_LIMIT // 8) + b"\n" + b'user,z"\n') * count


def test_open_quotation_marks_cost_no_more_for_each_row_than_a_line_may_have(tmp_path: Path) -> None:
    path, counts = tmp_path / "file", list[int]()
    for count in (4, 16):
        path.write_bytes(rows_with_open_quotes(count))
        with LineCount() as work:
            lines = list(ImportFile(path).lines())
        counts.append(work.count)
        assert len(lines) >= count
    assert counts[1] < 5 * counts[0]


def test_a_row_of_very_many_columns_is_one_mistake(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"kind,name\nuser" + b"," * (LINE_LIMIT - 100) + b"\nuser,ann\n")
    lines = list(ImportFile(path).lines())
    assert "columns, and the first one names 2" in lines[0].mistake
    assert [line.mistake for line in lines[1:]] == [""]


def test_cycles_of_aliases_and_lists_are_refused(directory: ScratchDirectory) -> None:
    circle = [
        {"kind": "alias", "address": f"c{number}@a.example", "targets": [f"c{(number + 1) % 3}@a.example"]}
        for number in range(3)
    ]
    assert len(mistakes(directory, *circle)) == 3, "none has a target that is there"
    own = {"kind": "alias", "address": "s*@a.example", "targets": ["sx@a.example"]}
    assert len(mistakes(directory, own)) == 1
    inner = [{**LIST, "address": f"l{number}@a.example"} for number in range(3)]
    nested = [
        {"kind": "members", "list": f"l{number}@a.example", "members": f"l{(number + 1) % 3}@a.example"}
        for number in range(3)
    ]
    refused = mistakes(directory, *inner, *nested)
    assert len(refused) == 1 and "would lead back to" in refused[0]
    service = {"kind": "members", "list": "all@a.example", "members": "all-owner@a.example"}
    assert len(mistakes(directory, service)) == 1


def test_a_hostile_file_costs_nobody_else_anything(server: MailfoldServer, tmp_path: Path) -> None:
    good = [
        {"kind": "domain", "name": "bulk.example", "incoming": True},
        {"kind": "list", "address": "all@bulk.example", "owners": ["x@elsewhere.example"]},
    ]
    chain = [
        {"kind": "alias", "address": f"c{number}@bulk.example", "targets": [f"c{number + 1}@bulk.example"]}
        for number in range(2_000)
    ]
    rubbish = [b"\xff\xfe", b"[" * 100_000, b"x" * (2 * LINE_LIMIT), b'{"kind":"user","name":"\x00"}']
    path = tmp_path / "lines"
    path.write_bytes(b"\n".join([*octets(*good), *rubbish, *octets(*chain)]))
    before = server.count("directory", "aliases")
    done = server.command.run("import", "directory", str(path), "--json", limit=240)
    report = json.loads(done.output)
    assert (done.status, report["added"], report["refused"]) == (1, len(good), len(rubbish) + len(chain))
    assert [mistake["line"] for mistake in report["mistakes"]][:4] == [3, 4, 5, 6]
    assert server.count("directory", "aliases") == before
    person = server.people.person("nadia")
    mail = compose(f"carl@{HONEST}", person.address)
    with server.smtp() as smtp:
        assert smtp.send(f"carl@{HONEST}", [person.address], mail.data).code == 250
    server.command("revert", "--command", report["id"])
