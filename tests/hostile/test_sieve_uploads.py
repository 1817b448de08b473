"""A user who stores scripts without end, of any size and name: every number has a bound, and others are not touched."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.endpoints.script_wire import PAGE_OCTETS
from services.mailstore.handlers import script_compiling
from services.mailstore.handlers.script_compiling import OCTETS_ON_LOOP
from shared.grpc.errors import Invalid, LimitReached, NotFound, ServiceError, Unavailable
from shared.scripts.settings import MOST_CHANGES, SieveSettings
from tests.integration.mailstore.counted import ACCOUNT
from tests.integration.mailstore.scripted import ScriptedMailstore, scripted_mailstore, smaller

DEFAULT = SieveSettings()
NAMES = (
    "\0",
    "a\r\nb",
    "\x7f",
    "\x9b31m",
    "\u2029",
    "x" * 129,
    "☂" * 10_000,
)
ODD_NAMES = ("../../../etc/passwd", "/", '"', "\\", "'; DROP TABLE script; --", "%n%s", "server", "active", "é" * 128)


async def refusals(mailstore: ScriptedMailstore, sources: list[tuple[str, str]]) -> list[type[ServiceError]]:
    """The refusals of scripts that are stored at the same time."""
    done = await asyncio.gather(*(mailstore.put(*script) for script in sources), return_exceptions=True)
    errors = [error for error in done if isinstance(error, BaseException)]
    assert all(isinstance(error, ServiceError) for error in errors), errors
    return [type(error) for error in errors]  # type: ignore[misc]


async def rows(mailstore: ScriptedMailstore, table: str) -> int:
    """The number of rows of the account."""
    row = await mailstore.store.read(
        lambda reader: reader.first_row(f"SELECT count(*) FROM {table} WHERE owner = ?", (ACCOUNT,))
    )
    assert row is not None
    return int(row[0])


async def test_ten_thousand_names_end_at_the_limit(tmp_path: Path) -> None:
    async with scripted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        errors = await refusals(mailstore, [(f"script {number}", "keep;") for number in range(10_000)])
        assert errors == [LimitReached] * (10_000 - DEFAULT.scripts)
        assert await rows(mailstore, "script") == DEFAULT.scripts
        assert await rows(mailstore, "script_change") == DEFAULT.scripts
        await mailstore.put("main", "keep;", owner="a-bob")
        assert not await mailstore.differences()


async def test_a_script_that_changes_all_day_ends_at_the_limits_of_a_day(tmp_path: Path) -> None:
    async with scripted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        errors = await refusals(mailstore, [("main", f"# {number}\n") for number in range(2_000)])
        assert errors == [LimitReached] * (2_000 - DEFAULT.changes_a_day)
    async with scripted_mailstore(tmp_path / "other.sqlite") as mailstore:
        large = ["#" * (DEFAULT.script_octets - 4) + f"{number:03}\n" for number in range(200)]
        errors = await refusals(mailstore, [("main", source) for source in large])
        assert len(large) - len(errors) == DEFAULT.changed_octets_a_day // DEFAULT.script_octets
        page = await mailstore.call("ListScriptChanges", name="main", limit=1000)
        assert sum(len(change.source) for change in page.changes) <= PAGE_OCTETS
        assert (await mailstore.call("GetScript", change=page.changes[-1].id)).script.source == large[0]


async def test_the_changes_of_years_are_bounded(tmp_path: Path) -> None:
    limits = smaller(changes_a_day=10 * MOST_CHANGES)
    async with scripted_mailstore(tmp_path / "mailstore.sqlite", limits) as mailstore:
        first = await mailstore.put("main", "# first\n")
        errors = await refusals(mailstore, [("main", f"# {number}\n") for number in range(MOST_CHANGES + 50)])
        assert errors == []
        assert await rows(mailstore, "script_change") == MOST_CHANGES
        with pytest.raises(NotFound):
            await mailstore.call("RevertScript", change=first.script.change)
        assert not await mailstore.differences()


async def test_a_huge_script_is_refused(tmp_path: Path) -> None:
    async with scripted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        for method in ("PutScript", "CheckScript"):
            fields: dict[str, Any] = {"name": "main"} if method == "PutScript" else {}
            with pytest.raises(LimitReached, match="may have 262144"):
                await mailstore.call(method, source=b"x" * (16 << 20), **fields)
        assert await rows(mailstore, "script") == 0


@pytest.mark.parametrize(
    "source",
    [
        "if not " * 30_000 + "true {}",
        "if anyof(" * 20_000,
        "if true {" * 20_000 + "keep;" + "}" * 20_000,
        "[" * 200_000,
        '"' + "\\" * 200_000,
        "/*" * 100_000,
        "text:\n" + "." * 200_000,
        'require "regex"; if header :regex "a" "' + "(a{9}){9}" * 2_000 + '" {}',
        "keep;" * 40_000,
        "fil;" * 50_000,
    ],
    ids=lambda source: source[:12],
)
async def test_deep_and_long_scripts_are_refused_beside_the_loop(tmp_path: Path, source: str) -> None:
    assert len(source) > OCTETS_ON_LOOP
    async with scripted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        with pytest.raises(Invalid) as refused:
            await mailstore.put("main", source)
        assert len(refused.value.message) < 20_000
        checked = await mailstore.call("CheckScript", source=source.encode())
        assert 1 <= len(checked.errors) <= DEFAULT.limits.errors
        assert all(note.line and note.column for note in checked.errors)


async def test_many_long_scripts_at_once_are_told_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_compiling, "_MOST_WAITING", 3)
    async with scripted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        long = "keep;\n" * 300
        assert await refusals(mailstore, [(f"s{number}", long) for number in range(10)]) == [Unavailable] * 7
        await mailstore.put("s9", long)


async def test_names_that_control_something_are_refused_and_others_are_data(tmp_path: Path) -> None:
    async with scripted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        for name in NAMES:
            with pytest.raises(Invalid):
                await mailstore.put(name, "keep;")
            with pytest.raises(NotFound):
                await mailstore.call("GetScript", name=name)
        for name in ODD_NAMES:
            await mailstore.put(name, f"# {name}\n")
        for name in ODD_NAMES:
            assert (await mailstore.call("GetScript", name=name)).script.source == f"# {name}\n"
        assert set(await mailstore.names()) == set(ODD_NAMES)
        assert not await mailstore.names("server")


async def test_a_look_at_the_places_of_thousands_is_a_page(tmp_path: Path) -> None:
    accounts = 3_000
    async with scripted_mailstore(tmp_path / "mailstore.sqlite") as mailstore:
        for number in range(accounts):
            await mailstore.put("main", "keep;", owner=f"a{number:05}", activate=True)
        before = mailstore.store.figures
        page = await mailstore.call("ListPlaces", owner="", limit=500)
        after = mailstore.store.figures
        assert len(page.places) == 500
        assert after["statements"] - before["statements"] == 2
        assert after["rows_read"] - before["rows_read"] <= 502
        owners = len(page.places)
        assert page.stamp
        while page.next:
            page = await mailstore.call("ListPlaces", owner="", limit=500, after=page.next)
            owners += len(page.places)
            assert not page.stamp, "only the first page looks at all owners"
        assert owners == accounts
