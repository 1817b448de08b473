"""Annotations on both databases: kept by mailbox id, within limits, and gone with their mailbox or account."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.handlers.annotations import AnnotationCommands, annotation_text
from services.mailstore.handlers.erasure import erase_page
from services.mailstore.settings import MailstoreSettings
from shared.clock import FixedClock
from shared.events.closing import AccountClosed
from shared.events.scripts import SERVER
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.postgres import PostgresBackend
from shared.protocol.imap.entry_name import Depth
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore

OWNER, OPERATOR = Provenance(Actor("user", "u1")), Provenance(Actor("operator"))
SETTINGS = MailstoreSettings(
    annotation_octets=1024, mailbox_annotations=10, account_annotations=15, annotated_octets_per_hour=10_000
)
ALL = ["/private", "/shared"]


class Place:
    """A mailstore with its annotations."""

    def __init__(self, mailstore: CountedMailstore) -> None:
        self.mailstore, self.clock = mailstore, FixedClock()
        self.commands = AnnotationCommands(mailstore.store, SETTINGS, self.clock)

    async def set(self, mailbox: str, given: dict[str, bytes | None], account: str = ACCOUNT) -> bool:
        """Set annotations; whether anything changed."""
        by = OPERATOR if account == SERVER else OWNER
        return (await self.commands.change(account, mailbox, list(given.items()), by))[1]

    async def all(self, mailbox: str, account: str = ACCOUNT) -> dict[str, bytes | None]:
        """All annotations of a mailbox, or of the server."""
        return dict((await self.commands.listed(account, mailbox, ALL, Depth.ALL, None)).annotations)

    async def rows(self) -> int:
        """Rows of the table."""
        row = await self.mailstore.store.read(lambda reader: reader.first_row("SELECT count(*) FROM annotation"))
        assert row is not None
        return int(row[0])


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[], contextlib.AbstractAsyncContextManager[Place]]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")

    @contextlib.asynccontextmanager
    async def open_place() -> AsyncIterator[Place]:
        async with counted_mailstore(database, steps=False, clock=FixedClock()) as mailstore:
            yield Place(mailstore)

    return open_place


async def test_they_are_set_read_and_removed(opened: Any) -> None:
    async with opened() as place:
        given: dict[str, bytes | None] = {"/private/Comment": b"mine\0\xff", "/shared/a/b": b"", "/shared/a": b"x" * 9}
        assert await place.set("INBOX", given)
        assert not await place.set("INBOX", given)
        assert await place.all("INBOX") == {
            "/private/comment": b"mine\0\xff",
            "/shared/a": b"x" * 9,
            "/shared/a/b": b"",
        }
        below = await place.commands.listed(ACCOUNT, "INBOX", ["/shared"], Depth.CHILDREN, 8)
        assert below == ([], 9)
        named = await place.commands.listed(ACCOUNT, "INBOX", ["/shared/A/b", "/shared/c"], Depth.EXACT, None)
        assert named == ([("/shared/a/b", b""), ("/shared/c", None)], 0)
        assert await place.commands.value(ACCOUNT, "INBOX", "/SHARED/a") == b"x" * 9
        assert await place.commands.value(ACCOUNT, "Missing", "/shared/a") is None
        assert await place.commands.value(ACCOUNT, "INBOX", "no entry") is None
        assert await place.set("INBOX", {"/shared/a": None, "/shared/b": None})
        assert sorted(await place.all("INBOX")) == ["/private/comment", "/shared/a/b"]
        assert (await place.mailstore.store.verify()).equal


async def test_a_rename_keeps_them_and_a_deletion_removes_them(opened: Any) -> None:
    async with opened() as place:
        await place.mailstore.call("CreateMailbox", pb.CreateMailboxRequest(account=ACCOUNT, name="club"))
        await place.set("club", {"/private/comment": b"of the club"})
        await place.mailstore.call(
            "RenameMailbox", pb.RenameMailboxRequest(account=ACCOUNT, name="club", new_name="society")
        )
        assert await place.all("society") == {"/private/comment": b"of the club"}
        await place.mailstore.call("DeleteMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="society"))
        assert await place.rows() == 0
        with pytest.raises(MailboxRefused, match="no mailbox"):
            await place.all("society")


async def test_what_everybody_sees_is_set_by_the_operator_alone(opened: Any) -> None:
    async with opened() as place:
        for entry in ("/shared/comment", "/shared/imapsieve/script"):
            with pytest.raises(MailboxRefused) as refused:
                await place.set("", {"/private/comment": b"mine", entry: b"x"})
            assert refused.value.reason == "NOPERM"
        assert await place.set("", {"/shared/comment": b"closed on Sunday"}, SERVER)
        assert await place.set("", {"/private/comment": b"mine"})
        assert await place.all("") == {"/private/comment": b"mine", "/shared/comment": b"closed on Sunday"}
        assert await place.all("", "a-bob") == {"/shared/comment": b"closed on Sunday"}
        with pytest.raises(MailboxRefused) as refused:
            await place.set("", {"/private/comment": b"whose?"}, SERVER)
        assert refused.value.reason == "NOPRIVATE"
        text = await place.mailstore.store.read(lambda reader: annotation_text(reader, ACCOUNT, "", "/shared/Comment"))
        assert text == "closed on Sunday"


async def test_limits(opened: Any) -> None:
    async with opened() as place:
        for given, mailbox, reason in (
            ({"/private/a": b"x" * 1025}, "INBOX", "MAXSIZE 1024"),
            ({f"/private/{number}": b"" for number in range(11)}, "INBOX", "TOOMANY"),
            ({f"/private/{number}": b"" for number in range(1001)}, "INBOX", "TOOMANY"),
            ({"/private/*": b""}, "INBOX", "CANNOT"),
        ):
            with pytest.raises(MailboxRefused) as refused:
                await place.set(mailbox, given)
            assert refused.value.reason == reason
        assert await place.rows() == 0
        await place.set("INBOX", {f"/private/{number}": b"x" * 1024 for number in range(10)})
        await place.set("Spam", {f"/private/{number}": b"" for number in range(5)})
        for mailbox in ("INBOX", "Spam", "Trash"):
            with pytest.raises(MailboxRefused, match="at most"):
                await place.set(mailbox, {"/private/one-more": b""})
        assert await place.set("INBOX", {"/private/0": None, "/private/one-more": b""})


async def test_an_erased_account_has_none(opened: Any) -> None:
    async with opened() as place:
        await place.set("INBOX", {"/private/a": b"secret"})
        await place.set("", {"/private/b": b"secret"})
        await place.set("", {"/shared/comment": b"stays"}, SERVER)
        await place.mailstore.store.write(lambda tx: tx.append(ACCOUNT, [AccountClosed(ACCOUNT, True)], OPERATOR))
        with pytest.raises(MailboxRefused) as refused:
            await place.set("INBOX", {"/private/c": b"too late"})
        assert refused.value.reason == "CLOSED"
        for _ in range(3):
            await place.mailstore.store.write(lambda tx: erase_page(tx, ACCOUNT))
        assert await place.rows() == 1
        assert (await place.mailstore.store.verify()).equal


async def test_changes_after_a_version_are_named_by_mailbox(opened: Any) -> None:
    async with opened() as place:
        _, before = await place.commands.changes(ACCOUNT, 0)
        await place.set("INBOX", {"/private/a": b"1"})
        await place.set("", {"/private/b": b"1"})
        await place.mailstore.call("CreateMailbox", pb.CreateMailboxRequest(account=ACCOUNT, name="club"))
        await place.set("club", {"/private/c": b"1"})
        await place.mailstore.call("DeleteMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="club"))
        await place.set("INBOX", {"/private/a": None, "/shared/d": b""})
        changes, version = await place.commands.changes(ACCOUNT, before)
        named = [(change.mailbox, change.entries) for change in changes if change.mailbox or not change.id]
        assert named == [("INBOX", ["/private/a", "/shared/d"]), ("", ["/private/b"])]
        # The mailbox that was deleted has no name here any more, as those of other accounts.
        assert [change.entries for change in changes if change.id and not change.mailbox] == [["/private/c"]]
        assert await place.commands.changes(ACCOUNT, version) == ([], version)
        await place.set("", {"/shared/comment": b"for all"}, SERVER)
        assert await place.commands.changes(ACCOUNT, version) == ([], version)


async def test_what_an_account_sets_within_an_hour_is_bounded(opened: Any) -> None:
    """Every value stays in the event store. What changes nothing counts nothing, and a removal is always possible."""
    async with opened() as place:
        for number in range(9):
            await place.set("INBOX", {"/private/a": b"%d" % number + b"x" * 1000})
        same: dict[str, bytes | None] = {"/private/a": b"8" + b"x" * 1000}
        assert not any([await place.set("INBOX", same) for _ in range(20)])
        await place.set("INBOX", {"/private/a": b"y" * 1000})
        with pytest.raises(MailboxRefused, match="within this hour"):
            await place.set("INBOX", {"/private/b": b"x"})
        assert await place.set("INBOX", {"/private/a": None})
        place.clock.advance(3600)
        assert await place.set("INBOX", {"/private/b": b"x"})
