"""What one installation exports, another one imports and exports again: every kind of line, in JSON and in CSV."""

from __future__ import annotations

import asyncio
import io
import random
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mailfold.bulk.exporting import export
from mailfold.bulk.lines import ImportFile
from services.directory.domain.bulk_lines import kind_names
from shared.rpc.mailfold.directory.v1 import bulk_pb2 as pb
from tests.harness.directories import ScratchDirectory, scratch_directory

DOMAINS = ("a.example", "b.example", "c.example", "d.example")
USERS = ("ann", "Bob, the second", "[eve]", "Zoë  Straße", '"quoted" name')
GROUPS = ("team", "Sales, north", "[x]")
PLACES = ("ann", "bob", "eve", "info", "x.y", "z_1")
PATTERNS = ("bob@x.example", "*@x.example", "192.0.2.0/24", "2001:db8::/32", "*spam*@*", "carl@y.example")
_Line = dict[str, Any]


class Draft:
    """Makes lines of a directory from chance; those that the rules refuse are left out by the first import."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._made = list[str]()
        """Addresses of accounts and lists."""

    def lines(self) -> list[_Line]:
        chance = self._chance
        made = [self.line(kind) for kind in kind_names()[1:] if kind != "members" for _ in range(chance.randint(1, 8))]
        lists = [line["address"] for line in made if line["kind"] == "list"]
        made += [self.members(address) for address in lists for _ in range(3)]
        chance.shuffle(made)
        made = self._domains() + made  # first, because a target of another server stays when its domain comes
        return [{name: value for name, value in line.items() if value is not None} for line in made]

    def line(self, kind: str) -> _Line:
        return {"kind": kind, **getattr(self, f"_{kind}")()}

    def members(self, address: str) -> _Line:
        return {"kind": "members", "list": address, "members": self._some(self._member), "paused": self._truth()}

    def _address(self, domain: str = "") -> str:
        return f"{self._chance.choice(PLACES)}{self._chance.randint(0, 4)}@{domain or self._chance.choice(DOMAINS)}"

    def _anybody(self) -> str:
        somebody = self._pick((self._address(), *self._made))
        return self._pick((somebody, somebody, self._address("elsewhere.example")))

    def _member(self) -> str:
        return self._pick((self._anybody(), self._anybody(), f"group:{self._pick(GROUPS)}"))

    def _some(self, make: Any, most: int = 4) -> list[str]:
        return list(dict.fromkeys(make() for _ in range(self._chance.randint(1, most))))

    def _pick(self, values: Sequence[Any]) -> Any:
        return self._chance.choice(values)

    def _truth(self) -> bool | None:
        return self._chance.choice((True, False, None))

    def _limits(self) -> _Line:
        return {"quota_messages": self._number(), "max_message_size": self._pick((None, 0, 10_000_000))}

    def _number(self) -> int | None:
        return self._chance.choice((None, 0, 5, 1_000_000))

    def _domains(self) -> list[_Line]:
        switches = ("incoming", "disabled")
        return [
            {"kind": "domain", "name": name, **{switch: self._truth() for switch in switches}, "alias_of": other}
            for name, other in zip(DOMAINS, ("", "", "", self._pick(("", DOMAINS[0]))), strict=True)
        ]

    def _user(self) -> _Line:
        return {
            "name": self._pick(USERS),
            "disabled": self._truth(),
            "display_name": self._pick(("Ann Example", "Zoë", None)),
            "language": self._pick(("de", "pt-BR", None)),
            "time_zone": self._pick(("Europe/Berlin", None)),
        }

    def _group(self) -> _Line:
        return {"name": self._pick(GROUPS), "members": self._some(lambda: self._pick(USERS))}

    def _account(self) -> _Line:
        owner = self._pick(({"user": self._pick(USERS)}, {"group": self._pick(GROUPS)}, {}))
        limits = {"quota_bytes": self._number(), **self._limits()}
        self._made.append(self._address())
        return {"address": self._made[-1], "disabled": self._truth(), **owner, **limits}

    def _application(self) -> _Line:
        return {
            "address": f"shop{self._chance.randint(0, 9)}.app@{self._pick(DOMAINS)}",
            "receives": self._truth(),
            "mails_an_hour": self._number(),
            "quota_bytes": self._number(),
            **self._limits(),
            "disabled": self._truth(),
        }

    def _alias(self) -> _Line:
        group = [f"group:{self._pick(GROUPS)}"] if self._chance.random() < 0.3 else []
        return {
            "address": self._pick((self._address(), f"*{self._chance.randint(0, 3)}@{self._pick(DOMAINS)}")),
            "targets": self._some(self._anybody) + group,
            "owners": self._some(lambda: self._pick(USERS)) if self._truth() else None,
            "ends_at": self._pick((None, "2020-01-01T00:00", "2222-01-01T00:00")),
            "disabled": self._truth(),
        }

    def _list(self) -> _Line:
        switches = ("members_only", "skip_recipients", "rewrite_author", "disabled")
        self._made.append(self._address())
        return {
            "address": self._made[-1],
            "owners": self._some(self._anybody),
            "description": self._pick(("", 'All "people", # 1', "=1+1")),
            "moderate": self._pick(("none", "all", "non-members", None)),
            "moderators": self._some(self._anybody),
            "days": self._pick((3, None)),
            **{name: self._truth() for name in switches},
        }

    def _value(self) -> _Line:
        name, value = self._pick(
            (
                ("separators", "-"),
                ("catch_all", self._address()),
                ("default_quota", "5000000"),
                ("signature", "off"),
                ("trash_days", "30"),
            )
        )
        return {"domain": self._pick(DOMAINS), "name": name, "value": value}

    def _signature(self) -> _Line:
        return {"domain": self._pick(DOMAINS), "text": "{name}\nA, B\r\n", "html": self._pick(("", "<b>{name}</b>"))}

    def _field(self) -> _Line:
        return {
            "user": self._pick(USERS),
            "name": self._pick(("phone", "title")),
            "value": self._pick(("+49 1", "x, y")),
        }

    def _grant(self) -> _Line:
        return {"user": self._pick(USERS), "address": self._anybody()}

    def _senders(self) -> _Line:
        chosen, patterns = self._pick(("block", "allow")), self._some(lambda: self._pick(PATTERNS))
        return {"list": chosen, "patterns": patterns, "address": self._pick(("", self._anybody()))}

    def _relay(self) -> _Line:
        given = {"host": "relay.example", "tls": "none", "connections": 3, "accepts_null_reverse_path": self._truth()}
        kind = self._pick(({"preset": "direct"}, {"preset": "smarthost", **given}))
        return {"domain": self._pick((*DOMAINS, "")), **kind}


def canonical(lines: Iterable[bytes]) -> list[str]:
    """Lines in an order of their own. Members and patterns, which pages split anywhere, are a line each."""
    result = []
    for line in map(orjson.loads, lines):
        several = next(
            (name for name in ("members", "patterns") if line["kind"] in ("members", "senders") and name in line), ""
        )
        result += [repr({**line, several: item}) for item in line[several]] if several else [repr(line)]
    return sorted(result)


async def as_csv(lines: Sequence[bytes]) -> bytes:
    async def pages() -> Any:
        yield pb.ExportPage(lines=lines)

    out = io.BytesIO()
    await export(pages(), out, csv=True)
    return out.getvalue()


@pytest.fixture(scope="module")
def three() -> Iterator[tuple[ScratchDirectory, ...]]:
    """Directories, which each example clears: making their tables takes longer than the rest."""
    with scratch_directory() as first, scratch_directory() as second, scratch_directory() as third:
        yield first, second, third


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(seed=st.integers(0, 1 << 32))
def test_an_export_is_the_same_after_an_import_elsewhere(three: tuple[ScratchDirectory, ...], seed: int) -> None:
    for directory in three:
        directory.clear()
    first, second, third = three
    first.import_lines([orjson.dumps(line) for line in Draft(random.Random(seed)).lines()])
    lines = asyncio.run(first.export_lines())
    assert second.import_lines(lines) == []
    assert canonical(asyncio.run(second.export_lines())) == canonical(lines)
    assert first.import_lines(lines) == [], "each line says what is there"
    assert canonical(asyncio.run(first.export_lines())) == canonical(lines)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lines.csv"
        file.write_bytes(asyncio.run(as_csv(lines)))
        read = [(line.json, line.mistake) for line in ImportFile(file).lines()]
    assert [mistake for _, mistake in read if mistake] == []
    assert third.import_lines([json for json, _ in read]) == []
    assert canonical(asyncio.run(third.export_lines())) == canonical(lines)


def test_the_drafts_have_every_kind(three: tuple[ScratchDirectory, ...]) -> None:
    directory, seen = three[0], set[str]()
    for seed in range(8):
        directory.clear()
        directory.import_lines([orjson.dumps(line) for line in Draft(random.Random(seed)).lines()])
        seen |= {orjson.loads(line)["kind"] for line in asyncio.run(directory.export_lines())}
    assert seen == set(kind_names())
