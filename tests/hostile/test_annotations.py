"""What a user may do with annotations and with scripts of mailboxes: huge values, many and deep entries, patterns, and
floods of changed flags. The harm stays the user's own, and others are served."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.mailstore.handlers.mailbox_script_events import MOST_DUE
from services.mailstore.handlers.mailbox_script_runs import PIECE
from services.mailstore.settings import MailstoreSettings
from shared.events.mailbox_scripts import MailboxScriptDue, MailboxScriptRan
from shared.eventstore.event import Actor, Provenance
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from tests.harness.imap import Imap, No
from tests.harness.server import MailfoldServer
from tests.integration.mailstore.counted import ACCOUNT, counted_mailstore
from tests.integration.mailstore.test_mailbox_scripts import Place

LIMITS = MailstoreSettings()
_BY = Provenance(Actor("user", "u2"))


def refused(imap: Imap, line: bytes, text: str) -> None:
    with pytest.raises(No, match=text):
        imap.command(line)


def literal(octets: int) -> bytes:
    return b"{%d+}\r\n%b" % (octets, b"x" * octets)


def test_values_and_names_without_end_are_refused(server: MailfoldServer) -> None:
    ann, bob = server.people.people("ann", "bob")
    with server.imap(ann) as imap, server.imap(bob) as other:
        refused(imap, b"SETMETADATA INBOX (/private/a %b)" % literal(LIMITS.annotation_octets + 1), "METADATA MAXSIZE")
        refused(imap, b"SETMETADATA INBOX (/private/a %b)" % literal(65_537), "TOOBIG")
        refused(imap, b"SETMETADATA INBOX (/private/a ~%b)" % literal(65_537), "TOOBIG")
        refused(imap, b"GETMETADATA INBOX /private%b" % (b"/a" * 1000), "BAD")
        refused(imap, b"GETMETADATA INBOX /private/%b" % (b"a" * 60_000), "BAD")
        for pattern in (b'"/private/*"', b'"/private/%"', b'"*"', b'"/private/a%b*"'):
            refused(imap, b"GETMETADATA INBOX %b" % pattern, "BAD")
            refused(imap, b'SETMETADATA INBOX (%b "x")' % pattern, "BAD")
        many = b" ".join(b"/private/%d NIL" % number for number in range(3_500))
        refused(imap, b"SETMETADATA INBOX (%b)" % many, "BAD")
        asked = b" ".join(b"/private/%d" % number for number in range(4_500))
        refused(imap, b"GETMETADATA INBOX (%b)" % asked, "BAD")
        refused(imap, b"GETMETADATA (MAXSIZE 99999999999999999999) INBOX /private/a", "BAD")
        other.command(b'SETMETADATA INBOX (/private/comment "as before")')
        other.command(b"GETMETADATA INBOX /private/comment")


def test_a_user_fills_the_own_share_and_no_more(server: MailfoldServer) -> None:
    ann, bob = server.people.people("ann", "bob")
    with server.imap(ann) as imap, server.imap(bob) as other:
        value = b"x" * 1000
        for number in range(LIMITS.mailbox_annotations):
            imap.command(b'SETMETADATA INBOX (/private/%d "%b")' % (number, value))
        refused(imap, b'SETMETADATA INBOX (/private/more "x")', "METADATA TOOMANY")
        refused(imap, b'SETMETADATA INBOX (/private/0 NIL /private/more "x" /private/again "x")', "METADATA TOOMANY")
        imap.command(b'SETMETADATA INBOX (/private/0 NIL /private/more "x")')
        mailboxes = LIMITS.account_annotations // LIMITS.mailbox_annotations
        for mailbox in range(mailboxes - 1):
            imap.command(b"CREATE m%d" % mailbox)
            entries = b" ".join(b'/private/%d "x"' % number for number in range(LIMITS.mailbox_annotations))
            imap.command(b"SETMETADATA m%d (%b)" % (mailbox, entries))
        refused(imap, b'SETMETADATA Drafts (/private/more "x")', "METADATA TOOMANY")
        imap.command(b"GETMETADATA (DEPTH infinity) INBOX (/private /shared)")
        imap.command(b"DELETE m0")
        imap.command(b'SETMETADATA Drafts (/private/more "x")')
        other.command(b'SETMETADATA INBOX (/private/comment "as before")')


async def test_a_flood_of_flags_waits_within_bounds_and_for_nobody_else(tmp_path: Path) -> None:
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False) as mailstore:
        place = Place(mailstore)
        await place.script("INBOX", 'addflag "$Done";')
        await mailstore.append(2)
        while await place.runs.run_next():
            pass
        inbox = await place.mailbox("INBOX")
        for number in range(MOST_DUE + 100):
            mode = pb.StoreRequest.REMOVE if number % 2 else pb.StoreRequest.ADD
            request = pb.StoreRequest(account=ACCOUNT, mailbox=inbox.id, mode=mode, flags=["\\Seen"], quiet=True)
            request.uids.bounds.extend((1, 2))
            await mailstore.call("Store", request)
        assert len(await place.events(MailboxScriptDue)) == 1 + MOST_DUE
        await mailstore.store.write(  # another account's event, which comes last
            lambda tx: tx.append("b-bob", [MailboxScriptDue("b-bob", inbox.id, "FLAG", ((1, 1),))], _BY)
        )
        served = []
        for _ in range(2):
            run = await place.runs.next_due()
            assert run is not None
            served.append(run.account)
            assert await place.runs.run_next()
        assert sorted(served) == [ACCOUNT, "b-bob"]
        pieces = 2
        while await place.runs.run_next():
            pieces += 1
        assert pieces == MOST_DUE + 1
        ran = await place.events(MailboxScriptRan)
        assert max(event.messages for event in ran) <= PIECE


async def test_a_store_that_changes_everything_differently_is_few_events(tmp_path: Path) -> None:
    async with counted_mailstore(tmp_path / "mailstore.sqlite", steps=False) as mailstore:
        place = Place(mailstore)
        await place.script("INBOX", "keep;")
        await mailstore.append(200)
        for uid in range(1, 201):
            await place.flag("INBOX", (uid, uid), f"k{uid}")
        before = len(await place.events(MailboxScriptDue))
        await place.flag("INBOX", (1, 200), "\\Seen", mode=pb.StoreRequest.REPLACE)
        events = (await place.events(MailboxScriptDue))[before:]
        assert len(events) == 20
        assert sum(last - first + 1 for event in events for first, last in event.uids) == 200
        assert all("\\Seen" in event.changed_flags for event in events)
