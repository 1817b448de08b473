"""Scripts are applied to the mail of a mailbox, and undone, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.domain.quota import QuotaLimits
from services.mailstore.handlers.erasure import erase_page
from services.mailstore.handlers.load import closing_of
from services.mailstore.settings import MailstoreSettings
from shared.events.applying import BY_SCRIPT, ApplicationBegun
from shared.events.closing import AccountClosed, AccountReopened
from shared.events.mailbox import FlagsChanged, MessagesCopied, MessagesMoved
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.postgres import PostgresBackend
from shared.grpc.errors import Invalid, NotFound, NotNow
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2
from tests.integration.mailstore.applied import ApplyingMailstore, applying_mailstore
from tests.integration.mailstore.counted import ACCOUNT, spans

REQUIRE = 'require ["fileinto", "imap4flags", "copy", "mailbox", "variables", "relational", "date"]; '
FLAGGED = "4 $Work"
"""The flags with which messages are appended: \\Flagged and a keyword."""


@pytest.fixture(params=["sqlite", "postgresql"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ApplyingMailstore]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with applying_mailstore(database, MailstoreSettings(script_applications=3, max_keywords=50)) as place:
        yield place


async def test_messages_are_filed_and_come_back(place: ApplyingMailstore) -> None:
    await place.mailstore.append(6)
    done = await place.apply(REQUIRE + 'if header "subject" ["2", "3", "5"] { fileinto "Archive"; }')
    assert (done.state, done.total, done.examined, done.moved, done.unchanged) == ("done", 6, 6, 3, 3)
    assert (await place.uids(), await place.uids("Archive")) == ([1, 4, 6], [1, 2, 3])
    moves = await place.events(MessagesMoved)
    assert [move.uids for move in moves] == [((2, 3), (5, 5))], "messages with the same outcome are in one event"
    undone = await place.undo(done.id)
    assert (undone.state, undone.undone.moved_back, undone.undone.skipped) == ("undone", 3, 0)
    assert (await place.uids(), await place.uids("Archive")) == ([1, 4, 6, 7, 8, 9], [])
    assert list(await place.flags()) == ["1", "4", "6", "2", "3", "5"]
    again = await place.undo(done.id)
    assert again.undone == undone.undone, "a repeat does nothing more"
    assert len(await place.events(MessagesMoved)) == 2


async def test_events_name_the_application_and_the_script(place: ApplyingMailstore) -> None:
    await place.mailstore.append(2)
    done = await place.apply("discard;")
    recorded = [entry for entry in await place.store.read_stream(ACCOUNT) if isinstance(entry.event, MessagesMoved)]
    (moved,) = recorded
    assert moved.provenance.correlation == done.id
    assert moved.provenance.actor == BY_SCRIPT
    assert moved.event.contents == ()  # type: ignore[attr-defined]


async def test_discard_is_a_move_to_trash(place: ApplyingMailstore) -> None:
    await place.mailstore.append(2)
    done = await place.apply('if header "subject" "1" { discard; }')
    assert (done.discarded, done.moved, done.unchanged) == (1, 0, 1)
    assert await place.uids("Trash") == [1]
    in_trash = await place.apply("discard;", mailbox="Trash")
    assert (in_trash.discarded, in_trash.unchanged) == (0, 1)
    assert (await place.undo(done.id)).undone.moved_back == 1
    assert list(await place.flags()) == ["2", "1"]


async def test_flags_change_and_come_back(place: ApplyingMailstore) -> None:
    await place.mailstore.append(3)
    done = await place.apply(
        REQUIRE + r'if header "subject" "1" { addflag "\\Seen"; } elsif header "subject" "2" { setflag "new"; }'
    )
    assert (done.flagged, done.unchanged) == (2, 1)
    assert await place.flags() == {"1": "5 $Work", "2": "0 new", "3": FLAGGED}
    undone = await place.undo(done.id)
    assert undone.undone.flags_restored == 2
    assert await place.flags() == {"1": FLAGGED, "2": FLAGGED, "3": FLAGGED}


async def test_flags_go_with_messages_and_copies(place: ApplyingMailstore) -> None:
    await place.mailstore.append(2)
    script = r'addflag "\\Seen"; fileinto :flags "copied" "Drafts"; fileinto "Archive";'
    done = await place.apply(REQUIRE + script + 'if header "subject" "1" { keep; }')
    assert (done.moved, done.copied, done.flagged) == (1, 3, 1)
    assert await place.flags() == {"1": "5 $Work"}
    assert await place.flags("Drafts") == {"1": "0 copied", "2": "0 copied"}
    assert await place.flags("Archive") == {"1": "5 $Work", "2": "5 $Work"}
    undone = (await place.undo(done.id)).undone
    assert (undone.moved_back, undone.copies_removed, undone.flags_restored) == (1, 3, 2)
    assert await place.flags() == {"1": FLAGGED, "2": FLAGGED}
    assert (await place.uids("Archive"), await place.uids("Drafts")) == ([], [])


async def test_fileinto_with_copy_leaves_the_message(place: ApplyingMailstore) -> None:
    await place.mailstore.append(1)
    done = await place.apply(REQUIRE + 'fileinto :copy "Archive";')
    assert (done.copied, done.moved) == (1, 0)
    assert (await place.uids(), await place.uids("Archive")) == ([1], [1])
    other = await place.apply(REQUIRE + 'fileinto :copy "INBOX"; fileinto "Archive";', mailbox="Archive")
    assert (other.copied, other.moved) == (1, 0), "a fileinto into its own mailbox leaves the message there"


async def test_missing_mailboxes(place: ApplyingMailstore) -> None:
    await place.mailstore.append(2)
    done = await place.apply(REQUIRE + 'fileinto "Work/2026";')
    assert (done.failed, done.moved, done.state) == (2, 0, "done")
    assert done.errors[0].text == "there is no mailbox Work/2026"
    made = await place.apply(REQUIRE + 'fileinto :create "Work/2026";')
    assert (made.moved, await place.uids("Work/2026")) == (2, [1, 2])
    undone = (await place.undo(made.id)).undone
    assert (undone.moved_back, undone.mailboxes_removed) == (2, 2)
    assert (await place.mailbox("Work"), await place.mailbox("Work/2026")) == (None, None)
    utf7 = await place.apply(REQUIRE + 'fileinto :create "Caf&AOk-";')
    assert (utf7.failed, await place.mailbox("Caf&AOk-")) == (2, None)


async def test_a_created_mailbox_that_is_used_stays(place: ApplyingMailstore) -> None:
    await place.mailstore.append(2)
    done = await place.apply(REQUIRE + 'fileinto :create "Work/2026";')
    made = await place.mailbox("Work/2026")
    assert made is not None
    copy = mailstore_pb2.CopyRequest(
        account=ACCOUNT, mailbox=made.id, uids=spans((1, 1)), target="Work/2026", messages=1
    )
    await place.mailstore.call("Copy", copy)
    undone = (await place.undo(done.id)).undone
    assert (undone.moved_back, undone.mailboxes_removed) == (2, 0)
    assert await place.uids("Work/2026") == [3]


async def test_what_leaves_the_server_is_left_out(place: ApplyingMailstore) -> None:
    for _ in range(2):
        await place.mailstore.deliver()
    script = (
        'require ["reject", "vacation", "enotify", "editheader", "copy", "fileinto", "duplicate"];'
        "if duplicate { discard; stop; }"
        'addheader "X-Seen" "1"; redirect :copy "x@example.net"; notify "mailto:y@example.net"; vacation "away";'
        'if header "subject" "1" { redirect "z@example.net"; } else { fileinto "Archive"; }'
    )
    done = await place.apply(script)
    assert dict(done.left_out) == {"redirect": 3, "notify": 2, "vacation": 2, "edits of the message": 2}
    assert (done.unchanged, done.moved) == (1, 1), "a redirect that is left out leaves the message where it is"
    rejected = await place.apply('require "reject"; reject "no";')
    assert (dict(rejected.left_out), rejected.unchanged) == ({"reject": 1}, 1)


async def test_errors_leave_the_message(place: ApplyingMailstore) -> None:
    await place.mailstore.append(3)
    script = 'require ["envelope", "fileinto"];\nfileinto "Archive";\nif header "subject" "2" {\n'
    done = await place.apply(script + 'if envelope "from" "x@example.net" { discard; }\n}')
    assert (done.failed, done.moved) == (1, 2)
    (error,) = done.errors
    assert (error.uid, error.line) == (2, 4)
    assert await place.uids() == [2]


async def test_filters(place: ApplyingMailstore) -> None:
    await place.mailstore.append(9)
    script = REQUIRE + 'fileinto "Archive";'
    by_uid = await place.apply(script, uid_bounds=[2, 3, 5, 5])
    assert (by_uid.total, by_uid.moved) == (3, 3)
    limited = await place.apply(script, limit=2)
    assert (limited.total, limited.moved, await place.uids()) == (2, 2, [6, 7, 8, 9])
    since = await place.apply(script, since=8)
    assert (since.total, since.moved, await place.uids()) == (2, 2, [6, 7])
    with pytest.raises(Invalid):
        await place.apply(script, uid_bounds=[5, 2])


async def test_a_dry_run_changes_nothing(place: ApplyingMailstore) -> None:
    await place.mailstore.append(4)
    version = len(await place.store.read_stream(ACCOUNT))
    script = (
        'if header "subject" "1" { fileinto "Archive"; } elsif header "subject" "2" { fileinto :create "New"; keep; }'
        ' elsif header "subject" "3" { fileinto "Missing"; } else { discard; }'
    )
    done = await place.apply(REQUIRE + script, dry_run=True)
    assert (done.id, done.state, done.examined) == ("", "done", 4)
    assert (done.moved, done.copied, done.failed, done.discarded) == (1, 1, 1, 1)
    assert {filed.mailbox: filed.messages for filed in done.filed} == {"Archive": 1, "New": 1, "Trash": 1}
    assert len(await place.store.read_stream(ACCOUNT)) == version
    assert await place.listed() == []


async def test_undo_skips_what_the_owner_has_changed(place: ApplyingMailstore) -> None:
    await place.mailstore.append(4)
    done = await place.apply(REQUIRE + r'addflag "\\Seen"; fileinto "Archive"; fileinto "Drafts";')
    archive, drafts = await place.mailbox("Archive"), await place.mailbox("Drafts")
    assert archive is not None
    assert drafts is not None
    move = mailstore_pb2.CopyRequest(account=ACCOUNT, mailbox=archive.id, uids=spans((1, 1)), target="Sent", messages=1)
    await place.mailstore.call("Move", move)
    for mailbox in (archive, drafts):
        store = mailstore_pb2.StoreRequest(
            account=ACCOUNT, mailbox=mailbox.id, uids=spans((2, 2)), flags=["\\Answered"]
        )
        await place.mailstore.call("Store", store)
    undone = (await place.undo(done.id)).undone
    assert (undone.moved_back, undone.flags_restored) == (3, 2), "what has other flags now comes back with these"
    assert (undone.copies_removed, undone.skipped) == (3, 2)
    assert await place.flags() == {"2": "7 $Work", "3": FLAGGED, "4": FLAGGED}
    assert (await place.flags("Sent"), await place.flags("Drafts")) == ({"1": "5 $Work"}, {"2": "7 $Work"})


async def test_undo_after_the_target_or_the_source_is_gone(place: ApplyingMailstore) -> None:
    for name in ("Projects", "Elsewhere"):
        await place.mailstore.call("CreateMailbox", mailstore_pb2.CreateMailboxRequest(account=ACCOUNT, name=name))
    await place.mailstore.append(2)
    first = await place.apply(REQUIRE + 'fileinto "Projects";')
    second = await place.apply(REQUIRE + 'fileinto "Elsewhere";', mailbox="Projects")
    delete = mailstore_pb2.MailboxNameRequest(account=ACCOUNT, name="Projects")
    await place.mailstore.call("DeleteMailbox", delete)
    assert (await place.undo(first.id)).undone.skipped == 2
    assert (await place.undo(second.id)).undone.skipped == 2
    assert await place.uids("Elsewhere") == [1, 2]


async def test_a_named_script_and_repeats(place: ApplyingMailstore) -> None:
    await place.mailstore.append(2)
    done = await place.apply("", script="archive", command="c-lost")
    assert (done.script, done.moved) == ("archive", 2)
    repeated = await place.apply("", script="archive", command="c-lost")
    assert repeated.id == done.id
    assert len(await place.events(ApplicationBegun)) == 1
    for bad, error in (({"script": "nobody"}, NotFound), ({"script": "archive", "mailbox": "Nowhere"}, NotFound)):
        with pytest.raises(error):
            await place.apply("", **bad)
    with pytest.raises(Invalid):
        await place.apply("keep", script="archive")
    with pytest.raises(Invalid, match="line 1, column"):
        await place.apply("keep")
    with pytest.raises(NotFound):
        await place.undo("c-nothing")


async def test_only_the_latest_are_kept(place: ApplyingMailstore) -> None:
    await place.mailstore.append(1)
    ids = [(await place.apply(r'require "imap4flags"; addflag "a' + f'{number}";')).id for number in range(5)]
    assert [listed.id for listed in await place.listed()] == ids[:1:-1]
    with pytest.raises(NotFound, match="cannot be undone any more"):
        await place.undo(ids[0])
    assert (await place.undo(ids[4])).undone.flags_restored == 1
    steps = await place.store.read(lambda reader: reader.all("SELECT application FROM script_application_step"))
    assert {application for (application,) in steps} == set(ids[2:4])


async def test_a_quota_refuses_copies(place: ApplyingMailstore) -> None:
    await place.mailstore.append(3)
    place.mailstore.quotas.limits = QuotaLimits(0, 5)
    done = await place.apply(REQUIRE + 'fileinto :copy "Archive"; if header "subject" "3" { fileinto :copy "Drafts"; }')
    assert (done.failed, done.copied) == (1, 2)
    assert len(await place.uids()) == 3
    place.mailstore.quotas.limits = QuotaLimits()
    assert (await place.undo(done.id)).undone.copies_removed == done.copied


async def test_too_many_keywords_leave_the_message(place: ApplyingMailstore) -> None:
    await place.mailstore.append(1)
    words = ", ".join(f'"w{number}"' for number in range(70))
    done = await place.apply(f'require ["imap4flags"]; addflag [{words}];')
    assert (done.failed, done.flagged) == (1, 0)
    assert "keywords" in done.errors[0].text
    assert await place.flags() == {"1": FLAGGED}


async def test_what_arrives_or_changes_meanwhile_is_left_alone(place: ApplyingMailstore) -> None:
    """A message that is changed after the script has read it is passed over, and new mail is not looked at."""
    await place.mailstore.append(3)
    inbox = await place.mailbox("INBOX")
    assert inbox is not None
    await place.runner.stop()
    begun = await place.begin("discard;")
    runner, file = place.new_runner(), place.runner._file

    def changed_before(tx: Any, *given: Any) -> None:
        event = FlagsChanged(ACCOUNT, inbox.id, ((2, 2),), "add", ("\\Answered",))
        tx.append(ACCOUNT, [event], given[1].provenance)
        file(tx, *given)

    runner._file = changed_before  # type: ignore[method-assign]
    await place.mailstore.append(1)
    runner.start()
    done = await place.ended(begun.id)
    assert (done.state, done.discarded, done.passed_over) == ("done", 2, 1)
    assert await place.uids() == [2, 4]


async def test_archived_accounts_have_no_applications(place: ApplyingMailstore) -> None:
    await place.mailstore.append(2)
    done = await place.apply("discard;")
    by = Provenance(Actor("operator"))
    await place.store.write(lambda tx: tx.append(ACCOUNT, [AccountClosed(ACCOUNT, False)], by))
    with pytest.raises(NotFound):
        await place.apply("keep;")
    with pytest.raises(NotFound):
        await place.undo(done.id)
    await place.store.write(lambda tx: tx.append(ACCOUNT, [AccountReopened(ACCOUNT)], by))
    assert (await place.undo(done.id)).undone.moved_back == 2


async def test_an_erased_account_leaves_no_application(place: ApplyingMailstore) -> None:
    """Also one that is running ends; its script and its steps go with the account."""
    await place.mailstore.append(3)
    done = await place.apply(REQUIRE + 'fileinto "Archive";', limit=1)
    await place.runner.stop()
    begun = await place.begin("discard;")
    by = Provenance(Actor("operator"))
    await place.store.write(lambda tx: tx.append(ACCOUNT, [AccountClosed(ACCOUNT, True)], by))
    place.new_runner().start()
    ended = await place.ended(begun.id)
    assert (ended.state, ended.reason, ended.discarded) == ("stopped", "the account was removed", 0)
    while await place.store.read(lambda reader: closing_of(reader, ACCOUNT)) != "erased":
        await place.store.write(partial(erase_page, account=ACCOUNT), long=True)
    for table in ("script_application", "script_application_step"):
        assert await place.store.read(lambda reader, table=table: reader.all(f"SELECT * FROM {table}")) == []  # type: ignore[misc]
    with pytest.raises(NotFound):
        await place.undo(done.id)


async def test_a_repeated_begin_while_another_runs(place: ApplyingMailstore) -> None:
    await place.mailstore.append(2)
    await place.runner.stop()
    begun = await place.begin("discard;")
    with pytest.raises(NotNow, match="one application at a time"):
        await place.begin("discard;")
    place.new_runner().start()
    assert (await place.undo(begun.id)).state == "undone"
    assert await place.events(MessagesCopied) == []


async def test_a_dry_run_counts_what_stays_in_its_own_mailbox(place: ApplyingMailstore) -> None:
    await place.mailstore.append(2)
    script = REQUIRE + 'if header "subject" "1" { fileinto "INBOX"; fileinto "Archive"; } else { fileinto "inbox"; }'
    dry, done = await place.apply(script, dry_run=True), await place.apply(script)
    for counts in (dry, done):
        assert (counts.moved, counts.copied, counts.unchanged) == (0, 1, 1)
    in_trash = (
        await place.apply("discard;", mailbox="Archive"),
        await place.apply("discard;", mailbox="Trash", dry_run=True),
    )
    assert (in_trash[0].discarded, in_trash[1].discarded, in_trash[1].unchanged) == (1, 0, 1)
