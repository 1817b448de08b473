"""The log contains no password hash: none arrives, and those that an older release copied are deleted."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy

from services.eventlog.adapters.key_index import EVER
from services.eventlog.adapters.log_writer import LogWriter
from services.eventlog.adapters.logged_event import Filter, newest
from services.eventlog.adapters.packing import Packer
from services.eventlog.adapters.tables import log_tables
from services.eventlog.handlers.secrets import forget_secrets
from shared.clock import FixedClock
from shared.events.directory import UserAdded, UserPasswordChanged
from shared.eventstore.event import encode, types_with_secrets
from shared.eventstore.store import EventStore, backend_for, opened
from shared.rpc.mailfold.events.v1 import events_pb2 as pb
from tests.integration.eventlog.installation import Installation

FIRST, SECOND = (
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0$Zmlyc3Q",
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0$c2Vjb25k",
)
EVENTS = (UserAdded("u1", "ann", FIRST), UserPasswordChanged("u1", SECOND))


async def test_hashes_of_passwords_do_not_come_into_the_log(installation: Installation) -> None:
    await installation.write("directory", "user:u1", *EVENTS)
    await installation.followed()
    events = await installation.query(type="user.")
    assert [event.type for event in events] == ["user.password_changed", "user.added"]
    assert b"ann" in events[1].data
    assert not any(b"argon2" in event.data for event in events)
    assert not holds(installation.places.data, b"argon2")


async def test_what_an_older_release_copied_is_forgotten(tmp_path: Path, store_url: str) -> None:
    metadata = sqlalchemy.MetaData()
    log_tables(metadata)
    packer = Packer(64)
    store = EventStore(
        backend_for(store_url, "eventlog", tmp_path, durable=False), metadata, (), FixedClock(1_700_000_000_000_000)
    )
    async with opened(store):
        await old_copies(store, packer, 300)
        assert store_url or holds(tmp_path, b"argon2")
        assert await forget_secrets(store, packer, types_with_secrets()) == 300
        assert not holds(tmp_path, b"argon2")
        events = await store.read(lambda reader: list(newest(reader, Filter(), EVER)))
        assert len(events) == 600 and not any(b"argon2" in event.data for event in events)
        assert all(event.data == b'{"note":"argon"}' for event in events if event.type == "unit.noted")
        assert await forget_secrets(store, packer, types_with_secrets()) == 0


async def old_copies(store: EventStore, packer: Packer, count: int) -> None:
    """Events as they were copied before owners blanked them, some compressed and some not, among others."""
    intake = LogWriter(store, packer, 1000, lambda _received: None)
    intake.start()
    for position in range(1, 2 * count + 1, 2):
        secret = encode(EVENTS[position // 2 % 2])
        await intake.take(
            "directory",
            [
                event(position, EVENTS[position // 2 % 2].stored_name, secret),
                event(position + 1, "unit.noted", b'{"note":"argon"}'),
            ],
        )
    await intake.stop()


def event(position: int, kind: str, data: bytes) -> pb.Event:
    return pb.Event(
        shard=3,
        position=position,
        stream="user:u1",
        version=position,
        type=kind,
        schema=1,
        at=1_700_000_000_000_000 + position,
        data=data,
    )


def holds(data: Path, text: bytes) -> bool:
    """Whether a text occurs in the files of the log, even outside of present rows."""
    return any(text in file.read_bytes() for file in data.glob("store/eventlog.sqlite*"))
