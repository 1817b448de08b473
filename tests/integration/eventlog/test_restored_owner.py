"""After a service was restored from a backup, the log continues with its present events, and keeps the lost ones."""

from __future__ import annotations

import asyncio

from shared.events import directory as events
from shared.ids import shard_of
from tests.contract.eventstore.restored import forget
from tests.harness.waiting import until_true
from tests.integration.eventlog.installation import Installation

OWNER = "directory"
SHARD = shard_of("domain:d1")


def added(*names: str) -> list[events.DomainAdded]:
    return [events.DomainAdded(name, f"{name}.example") for name in names]


async def names(installation: Installation) -> list[str]:
    return [event.data.split(b'"')[3].decode() for event in reversed(await installation.query(type="domain.added"))]


async def test_what_is_new_is_logged_and_nothing_twice(installation: Installation) -> None:
    store = installation.owners[OWNER].store
    await installation.write(OWNER, "domain:d1", *added("d1", "d2", "lost1", "lost2"))
    await installation.followed()
    await store.write(lambda transaction: forget(transaction, SHARD, 2))
    store._heads.positions[SHARD] = 2
    await asyncio.sleep(0)
    await installation.write(OWNER, "domain:d1", *added("new1", "new2", "new3"))

    async def is_followed() -> bool:
        return (await names(installation))[-1:] == ["new3"]

    await until_true(is_followed)
    assert await names(installation) == ["d1", "d2", "lost1", "lost2", "new1", "new2", "new3"]
    assert "the log of directory was another than was followed" in (await installation.report()).state
    await installation.write(OWNER, "domain:d1", *added("d9"))

    async def has_the_last() -> bool:
        return (await names(installation))[-1:] == ["d9"]

    await until_true(has_the_last)
    assert len(await names(installation)) == 8
