"""Scripts run for what clients do in mailboxes (RFC 6785), on both databases."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.domain.mailbox_scripts import MessageDecision, kept_after_all
from services.mailstore.handlers.accounts import MailboxCommands
from services.mailstore.handlers.annotations import AnnotationCommands
from services.mailstore.handlers.mailbox_script_filing import MailboxScriptFiling
from services.mailstore.handlers.mailbox_script_runs import PIECE, MailboxScriptRuns
from services.mailstore.handlers.mailbox_script_sending import MailboxScriptSending
from services.mailstore.handlers.script_messages import ScriptMessages, StoredMessage
from services.mailstore.settings import MailstoreSettings
from shared.clock import SystemClock
from shared.events.mailbox_scripts import MailboxScriptDue, MailboxScriptRan
from shared.events.scripts import SERVER, ScriptPut
from shared.eventstore.event import Actor, Event, Provenance
from shared.eventstore.postgres import PostgresBackend
from shared.eventstore.transaction import COLUMNS, recorded_from
from shared.grpc.errors import Unavailable
from shared.ids import Ids
from shared.protocol.imap.entry_name import SCRIPT_ENTRY
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.scripts.owner import ScriptOwner, ScriptOwners
from shared.scripts.programs import Programs
from shared.scripts.script_work import ScriptWork
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore, spans

OWNER = Provenance(Actor("user", "u1"))
REQUIRE = 'require ["imapsieve", "environment", "imap4flags", "fileinto", "mailbox", "copy", "variables", "enotify"];\n'


class OneOwner(ScriptOwners):
    """Replaces the directory."""

    def __init__(self) -> None: ...

    async def of(self, account: str) -> ScriptOwner:
        return ScriptOwner("ann@example.org", ("ann@example.org",))


class Sent(MailboxScriptSending):
    """Replaces delivery: notes what it is to send."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.refusal = ""
        self.away = False

    async def sent(self, account: str, due: int, message: StoredMessage, decision: MessageDecision) -> MessageDecision:
        if self.away:
            raise Unavailable("delivery is away")
        self.keys += [f"{due}/{message.uid}/{index}" for index, _ in enumerate(decision.sends)]
        return kept_after_all(decision, self.refusal) if decision.sends and self.refusal else decision


class Place:
    """A mailstore whose mailboxes have scripts."""

    def __init__(self, mailstore: CountedMailstore) -> None:
        clock, limits = SystemClock(), MailstoreSettings()
        ids = Ids(clock)
        self.mailstore, self.store, self.sent = mailstore, mailstore.store, Sent()
        self.work = ScriptWork(clock, 10_000_000_000)
        self.annotations = AnnotationCommands(self.store, limits, clock)
        self.runs = MailboxScriptRuns(
            self.store,
            ScriptMessages(mailstore.blobs, mailstore.turns),
            Programs(),
            OneOwner(),
            mailstore.quotas,
            MailboxScriptFiling(MailboxCommands(ids, clock, limits), ids, limits),
            self.sent,
            clock,
            self.work,
        )

    async def script(self, mailbox: str, source: str, *, owner: str = ACCOUNT, name: str = "events") -> None:
        """Store a script and let the annotation of a mailbox name it; an empty mailbox is the server."""
        await self.put(owner, name, REQUIRE + source)
        await self.name_script(mailbox, name)

    async def put(self, owner: str, name: str, source: str) -> None:
        """Store a script."""
        digest = hashlib.blake2b(source.encode(), digest_size=32).hexdigest()
        await self.store.write(lambda tx: tx.append(owner, [ScriptPut(owner, name, source, digest)], OWNER))

    async def name_script(self, mailbox: str, name: str) -> None:
        """Let the annotation of a mailbox, or of the server, name a script."""
        await self.annotations.change(ACCOUNT if mailbox else SERVER, mailbox, [(SCRIPT_ENTRY, name.encode())], OWNER)

    async def run(self) -> int:
        """Do all that is due; the number of pieces."""
        pieces = 0
        while await self.runs.run_next():
            pieces += 1
        return pieces

    async def mailbox(self, name: str) -> pb.Mailbox:
        """A mailbox by name."""
        listed = await self.mailstore.call("ListMailboxes", pb.ListMailboxesRequest(account=ACCOUNT, name=name))
        mailbox: pb.Mailbox = listed.mailboxes[0]
        return mailbox

    async def flags(self, name: str) -> dict[int, set[str]]:
        """The flags of all messages of a mailbox."""
        mailbox = await self.mailbox(name)
        batches = await self.mailstore.fetched(
            pb.FetchRequest(account=ACCOUNT, mailbox=mailbox.id, uids=spans((1, 10_000)))
        )
        return {
            uid: set(batch.flag_sets[flags].flags)
            for batch in batches
            for uid, flags in zip(batch.uids, batch.flags, strict=True)
        }

    async def events(self, *kinds: type[Event]) -> list[Any]:
        """All events of these kinds."""
        rows = await self.store.read(
            lambda reader: reader.all(f"SELECT {COLUMNS} FROM event WHERE stream = ? ORDER BY version", (ACCOUNT,))
        )
        return [event for event in (recorded_from(row).event for row in rows) if isinstance(event, kinds)]

    async def move(self, uids: tuple[int, int], target: str, method: str = "Move") -> None:
        """MOVE or COPY messages of INBOX."""
        inbox = await self.mailbox("INBOX")
        request = pb.CopyRequest(
            account=ACCOUNT, mailbox=inbox.id, uids=spans(uids), target=target, messages=uids[1] - uids[0] + 1
        )
        await self.mailstore.call(method, request)

    async def flag(self, name: str, uids: tuple[int, int], *flags: str, mode: Any = pb.StoreRequest.ADD) -> None:
        """STORE."""
        mailbox = await self.mailbox(name)
        await self.mailstore.call(
            "Store",
            pb.StoreRequest(account=ACCOUNT, mailbox=mailbox.id, uids=spans(uids), mode=mode, flags=flags),
        )


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as mailstore:
        yield Place(mailstore)
        assert (await mailstore.store.verify()).equal


async def test_append_runs_the_script_and_a_mailbox_without_one_has_no_events(place: Place) -> None:
    await place.mailstore.append(2)
    await place.flag("INBOX", (1, 1), "$Later")
    assert (await place.run(), await place.events(MailboxScriptDue)) == (0, [])
    await place.script("INBOX", 'if environment "imap.cause" "APPEND" { addflag "$Seen-By-Script"; }')
    await place.mailstore.append(2)
    assert await place.run() == 1
    flags = await place.flags("INBOX")
    assert [("$Seen-By-Script" in flags[uid]) for uid in (1, 2, 3, 4)] == [False, False, True, True]
    assert {"\\Flagged", "$Work"} <= flags[3]
    ran = (await place.events(MailboxScriptRan))[0]
    assert (ran.is_last, ran.through, ran.messages, ran.failed) == (True, 4, 2, 0)
    assert await place.run() == 0  # the flag that the script set is no event


async def test_copy_and_move_run_the_script_of_the_target(place: Place) -> None:
    await place.mailstore.append(3)
    await place.script(
        "Archive",
        'if environment "imap.cause" "COPY" { set "m" "a"; if environment :matches "imap.mailbox" "*" '
        '{ addflag "${1}"; } }',
    )
    await place.move((1, 1), "Archive", "Copy")
    await place.move((2, 3), "Archive")
    assert await place.run() == 2
    assert [("Archive" in flags) for flags in (await place.flags("Archive")).values()] == [True, True, True]
    assert await place.flags("INBOX") == {1: {"\\Flagged", "$Work"}}


async def test_flags_name_what_has_changed(place: Place) -> None:
    await place.mailstore.append(2)
    await place.script(
        "INBOX",
        'if allof(environment "imap.cause" "FLAG", environment :matches "imap.changedflags" "*\\\\Seen*") '
        '{ fileinto :create :copy "Read"; }',
    )
    await place.flag("INBOX", (1, 2), "\\Flagged", "\\Answered")
    await place.run()
    with pytest.raises(IndexError):
        await place.mailbox("Read")
    inbox = await place.mailbox("INBOX")
    request = pb.FetchRequest(account=ACCOUNT, mailbox=inbox.id, uids=spans((1, 1)), contents=True, mark_seen=True)
    await place.mailstore.fetched(request)  # BODY[] sets \Seen
    await place.flag("INBOX", (1, 2), "\\Seen")
    due = await place.events(MailboxScriptDue)
    assert [(event.changed_flags, event.uids) for event in due] == [
        (("\\Answered",), ((1, 2),)),
        (("\\Seen",), ((1, 1),)),
        (("\\Seen",), ((2, 2),)),
    ]
    await place.run()
    assert (await place.mailbox("Read")).messages == 2
    assert len(await place.flags("INBOX")) == 2


async def test_fileinto_and_discard_mark_the_original_deleted_unless_it_is_kept(place: Place) -> None:
    await place.script(
        "INBOX",
        'if header :contains "subject" "1" { fileinto "Archive"; }\n'
        'elsif header :contains "subject" "2" { fileinto "Archive"; keep; }\n'
        'elsif header :contains "subject" "3" { discard; }\n'
        'elsif header :contains "subject" "4" { fileinto "INBOX"; }\n'
        'elsif header :contains "subject" "5" { fileinto "Nowhere"; }\n',
    )
    await place.mailstore.append(5)
    assert await place.run() == 1
    deleted = [("\\Deleted" in flags) for flags in (await place.flags("INBOX")).values()]
    assert deleted == [True, False, True, False, False]
    assert (await place.mailbox("Archive")).messages == 2
    ran = (await place.events(MailboxScriptRan))[-1]
    assert (ran.messages, ran.failed, ran.error) == (5, 1, "there is no mailbox Nowhere")


async def test_three_thousand_messages_are_done_in_pieces(place: Place) -> None:
    await place.mailstore.append(300)
    await place.script("Archive", 'addflag "$Done";')
    await place.move((1, 300), "Archive")
    before = len(await place.events(MailboxScriptRan))
    assert await place.run() == 300 // PIECE
    flags = await place.flags("Archive")
    assert len(flags) == 300 and all("$Done" in flags_of for flags_of in flags.values())
    assert len(await place.events(MailboxScriptRan)) - before == 300 // PIECE


async def test_what_leaves_is_sent_first_and_a_refused_redirect_keeps_the_message(place: Place) -> None:
    await place.script("INBOX", 'redirect "bob@example.net"; notify "mailto:ann@example.org";')
    await place.mailstore.append(1)
    place.sent.away = True
    with pytest.raises(Unavailable):
        await place.run()
    assert await place.events(MailboxScriptRan) == []
    place.sent.away = False
    await place.run()
    assert [key.partition("/")[2] for key in place.sent.keys] == ["1/0", "1/1"]
    assert "\\Deleted" in (await place.flags("INBOX"))[1]
    place.sent.refusal = "too many today"
    await place.mailstore.append(1)
    await place.run()
    assert "\\Deleted" not in (await place.flags("INBOX"))[2]
    assert (await place.events(MailboxScriptRan))[-1].error == "too many today"


async def test_an_unusable_entry_of_the_mailbox_does_not_fall_back_to_the_servers(place: Place) -> None:
    await place.script("", 'addflag "$Server";', owner=SERVER, name="all")
    await place.mailstore.append(1)
    await place.run()
    assert "$Server" in (await place.flags("INBOX"))[1]
    for name in ("", "missing"):
        await place.name_script("INBOX", name)
        await place.mailstore.append(1)
        await place.run()
    await place.put(ACCOUNT, "reject", 'require ["reject"]; reject "no";')
    await place.name_script("INBOX", "reject")
    await place.mailstore.append(1)
    await place.run()
    flags = await place.flags("INBOX")
    assert [uid for uid, flags_of in flags.items() if "$Server" in flags_of] == [1]
    errors = [event.error for event in await place.events(MailboxScriptRan)]
    assert errors[1:3] == ["", "there is no script missing"] and "the script has errors" in errors[3]


async def test_a_vanished_message_and_a_deleted_mailbox_are_no_errors(place: Place) -> None:
    await place.script("INBOX", 'addflag "$Done";')
    await place.mailstore.append(3)
    await place.flag("INBOX", (2, 2), "\\Deleted")
    inbox = await place.mailbox("INBOX")
    await place.mailstore.call("Expunge", pb.ExpungeRequest(account=ACCOUNT, mailbox=inbox.id))
    await place.run()
    ran = await place.events(MailboxScriptRan)
    assert [(event.messages, event.failed) for event in ran] == [(2, 0), (0, 0)]
    await place.mailstore.call("CreateMailbox", pb.CreateMailboxRequest(account=ACCOUNT, name="club"))
    await place.name_script("club", "events")
    await place.move((1, 1), "club")
    await place.mailstore.call("DeleteMailbox", pb.MailboxNameRequest(account=ACCOUNT, name="club"))
    assert await place.run() == 0


async def test_a_script_error_leaves_the_message_as_it_is(place: Place) -> None:
    await place.script("INBOX", 'require "envelope";\naddflag "$Lost";\nif envelope "from" "x" { discard; }')
    await place.mailstore.append(1)
    await place.run()
    ran = (await place.events(MailboxScriptRan))[-1]
    assert (ran.messages, ran.failed) == (1, 1) and ran.error.startswith("line 4")
    assert await place.flags("INBOX") == {1: {"\\Flagged", "$Work"}}


async def test_the_commit_of_a_piece_is_done_once(place: Place) -> None:
    await place.script("INBOX", 'fileinto :copy "Archive";')
    await place.mailstore.append(1)
    first = await place.runs.next_due()
    assert first is not None
    await place.runs.piece(first)
    await place.runs.piece(first)  # as a process that was killed before it knew of the commit
    assert (await place.mailbox("Archive")).messages == 1
    assert len(await place.events(MailboxScriptRan)) == 1


async def test_the_work_of_an_account_within_an_hour_is_bounded(place: Place) -> None:
    await place.script("INBOX", 'addflag "$Done";')
    await place.mailstore.append(1)
    await place.run()
    place.work.add(ACCOUNT, 10_000_000_000)
    await place.mailstore.append(2)
    assert await place.run() == 1
    assert [("$Done" in flags) for flags in (await place.flags("INBOX")).values()] == [True, False, False]
    ran = (await place.events(MailboxScriptRan))[-1]
    assert (ran.failed, ran.is_last) == (2, True) and "within an hour" in ran.error


async def test_a_script_that_works_much_is_done_in_small_pieces(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.mailstore.handlers.mailbox_script_runs.PIECE_WORK", 1)
    await place.script("INBOX", 'if header :contains "subject" ["1", "2", "3"] { addflag "$Done"; }')
    await place.mailstore.append(3)
    assert await place.run() == 3
    assert all("$Done" in flags for flags in (await place.flags("INBOX")).values())
    assert [event.through for event in await place.events(MailboxScriptRan)] == [1, 2, 3]


async def test_an_unforeseen_error_ends_its_event_and_holds_up_no_other(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.script("INBOX", 'addflag "$Done";')
    await place.mailstore.append(1)
    with monkeypatch.context() as patched:
        patched.setattr(place.runs, "_decided", _broken)
        assert await place.runs.run_next()
    assert not await place.runs.run_next()
    (ran,) = await place.events(MailboxScriptRan)
    assert (ran.is_last, ran.error) == (True, "an error of this server; its log says more")


async def _broken(*_: Any) -> None:
    raise RuntimeError("a bug")
