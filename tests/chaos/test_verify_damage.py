"""`mailfold verify` names damage of every projection and of a blob, mends the rows, and quarantines the blob."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from mailfold.layouts import OWNERS
from tests.chaos.conftest import Start
from tests.chaos.damage import Damaged, damage, projection_tables, swap_names
from tests.chaos.ledger import Ledger
from tests.chaos.owners import Owners
from tests.chaos.quiet_life import apply, script, send, touch
from tests.harness.server import MailfoldServer
from tests.harness.stored_blobs import StoredBlobs


@pytest.fixture
async def server(start: Start) -> MailfoldServer:
    running = await asyncio.to_thread(start)
    await script(running)
    await send(running, Ledger(), 40)
    await touch(running)
    await apply(running)
    return running


async def test_each_projection_is_mended(server: MailfoldServer) -> None:
    done = []
    async with Owners(server.places) as owners:
        for service in OWNERS:
            file = _file(server, service)
            for table in projection_tables(file):
                done += await _damage_and_mend(owners, service, file, table)
        swapped = swap_names(_file(server, "mailstore"))
        mended = await owners.verify("mailstore", mend=True)
        assert sorted(tuple(orjson.loads(entry.key)) for entry in mended.differences) == sorted(swapped)
        assert not (await owners.verify("mailstore")).differences
    print(
        f"\n{len(done)} rows damaged in {len({(service, entry.table) for service, entry in done})} tables of "
        f"{len(OWNERS)} services: all named, all mended"
    )
    hows = {entry.how for _, entry in done}
    assert hows == {"inserted", "altered", "deleted"}
    assert {(service, entry.table) for service, entry in done if entry.how == "altered"} >= {
        *(("mailstore", table) for table in ("annotation", "script", "script_place", "script_change", "script_owner")),
        *(("mailstore", table) for table in ("script_application", "script_application_step")),
        ("delivery", "script_memory"),
    }


async def test_the_command_names_what_differs_and_mends_it(server: MailfoldServer) -> None:
    """All damage at once, without a running server: the command hosts the owners itself."""
    await asyncio.to_thread(server.stop)
    files = {service: _file(server, service) for service in OWNERS}
    done = [entry for file in files.values() for table in projection_tables(file) for entry in damage(file, table)]
    blobs = StoredBlobs(server.places.blobs)
    blob = sorted(blobs.digests())[3]
    blobs.damage(blob)
    outcome = server.command.run("verify")
    assert outcome.status == 1, outcome.output + outcome.errors
    reported = outcome.output + outcome.errors
    assert [entry for entry in done if entry.table not in reported or str(entry.key[0]) not in reported] == []
    assert blob in reported
    server.command.run("verify", "--mend")
    assert blob not in blobs.digests()
    assert any(blob in file.name for file in (server.places.blobs / "quarantine").iterdir())
    after = server.command.run("verify")
    assert not [entry for entry in done if str(entry.key[0]) in after.output], after.output
    assert blob in after.output + after.errors, "a lost body stays named"
    await asyncio.to_thread(server.start)


async def _damage_and_mend(owners: Owners, service: str, file: Path, table: str) -> list[tuple[str, Damaged]]:
    done = damage(file, table)
    seen = await owners.verify(service)
    named = {(difference.table, tuple(orjson.loads(difference.key))) for difference in seen.differences}
    assert named == {(difference.table, _shown(difference.key)) for difference in done}, f"{service}.{table}"
    mended = await owners.verify(service, mend=True)
    assert mended.mended == len(done)
    after = await owners.verify(service)
    assert not after.differences, f"{service}.{table} after mending: {after.differences}"
    return [(service, difference) for difference in done]


def _shown(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """The key of a row as JSON has it: octets are hexadecimal digits."""
    return tuple(part.hex() if isinstance(part, bytes) else part for part in key)


def _file(server: MailfoldServer, service: str) -> Path:
    return server.data / "store" / f"{service}.sqlite"
