"""What a script runs over and what it is answered, read from the tables of a mailbox store on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.mailstore.handlers.script_answers import ScriptAnswers
from services.mailstore.handlers.script_messages import ScriptMessages, StoredMessage, row_of, rows_after
from shared.eventstore.connection import Reader
from shared.eventstore.postgres import PostgresBackend
from shared.protocol.sieve.actions import FileIntoAction, KeepAction, SieveAction
from shared.protocol.sieve.extensions import ScriptContext
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.scripts import running
from shared.scripts.owner import ScriptOwner
from shared.scripts.programs import Programs
from shared.turns import Turns
from tests.integration.mailstore.counted import ACCOUNT, CountedMailstore, counted_mailstore

NOW = 1_790_000_000_000_000


ANN = ScriptOwner("ann@example.org", ("ann@example.org",))


@pytest.fixture(params=["sqlite", "postgresql"])
async def mailstore(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CountedMailstore]:
    database: Any = tmp_path / "mailstore.sqlite"
    if request.param == "postgresql":
        database = PostgresBackend(request.getfixturevalue("postgres_server").create_database(), "mailstore")
    async with counted_mailstore(database, steps=False) as opened:
        yield opened


def source_of(_reader: Reader, owner: str, name: str) -> bytes | None:
    sources = {
        (ACCOUNT, "mine"): b'require "fileinto"; fileinto "Archive";',
        ("server", "theirs"): b'require "fileinto"; fileinto "Spam";',
        (ACCOUNT, "broken"): b"keep",
    }
    return sources.get((owner, name))


def annotation_of(_reader: Reader, account: str, mailbox: str, entry: str) -> str | None:
    return f"of {'a mailbox' if mailbox else 'the server'}" if entry == "/private/comment" else None


async def first(mailstore: CountedMailstore) -> StoredMessage:
    inbox = await mailbox_id(mailstore, "INBOX")
    return (await mailstore.store.read(lambda reader: rows_after(reader, inbox, 0, 10)))[0]


async def mailbox_id(mailstore: CountedMailstore, name: str) -> str:
    sql = "SELECT id FROM mailbox WHERE account = ? AND name = ?"
    row = await mailstore.store.read(lambda reader: reader.first_row(sql, (ACCOUNT, name)))
    assert row is not None
    return str(row[0])


async def decided(mailstore: CountedMailstore, script: str) -> tuple[SieveAction, ...]:
    """What a script decides about the first message of INBOX."""
    programs = Programs()
    given = await ScriptMessages(mailstore.blobs, Turns()).input_of(await first(mailstore), ANN, NOW)
    answers = ScriptAnswers(
        mailstore.store, programs, ACCOUNT, ScriptContext.APPLY_NOW, source_of, annotation_of=annotation_of
    )
    program = programs.program(script.encode(), ScriptContext.APPLY_NOW)
    outcome = await running.run(program, given, answers)
    return (*outcome.actions, *(outcome.failure.abandoned if outcome.failure else ()))


async def holds(mailstore: CountedMailstore, extension: str, condition: str) -> bool:
    extensions = ", ".join(f'"{name}"' for name in ("fileinto", *extension.split()))
    actions = await decided(mailstore, f'require [{extensions}]; if {condition} {{ fileinto "Archive"; }}')
    return any(isinstance(action, FileIntoAction) for action in actions)


async def test_a_script_sees_header_prefix_and_flags_of_a_stored_message(mailstore: CountedMailstore) -> None:
    await mailstore.append(1)
    assert await holds(mailstore, "", 'header "subject" "1"')
    assert await holds(mailstore, "imap4flags", r'hasflag "\\Flagged"')
    assert not await holds(mailstore, "imap4flags", r'hasflag "\\Draft"')
    assert await holds(mailstore, "date", 'currentdate "date" "2026-09-21"')
    kept = await decided(mailstore, r'require "imap4flags"; removeflag "\\Flagged"; addflag "new";')
    assert kept == (KeepAction(implicit=True, flags=("$Work", "new")),)


@pytest.mark.parametrize(
    ("status", "percent"),
    [
        (b"X-Spam-Status: Yes, score=7.1 required=5.0 tests=A,\r\n\tB\r\n", 100),
        (b"X-Spam-Status: No, score=2.5 required=5.0 tests=none\r\n", 50),
        (b"X-Spam-Status: No, score=-1.0\r\n\trequired=5.0\r\n", 0),
        (b"Received: X-Spam-Status: Yes, score=7.1 required=5.0\r\n", None),
    ],
)
async def test_the_score_is_the_one_that_the_delivery_noted(
    mailstore: CountedMailstore, status: bytes, percent: int | None
) -> None:
    await mailstore.append(1)
    message = (await first(mailstore))._replace(prefix=b"Return-Path: <x@example.net>\r\n" + status)
    given = await ScriptMessages(mailstore.blobs, Turns()).input_of(message, ANN, NOW)
    assert (given.environment.spam_percent, given.envelope.sender) == (percent, "x@example.net")


async def test_envelope_is_an_error(mailstore: CountedMailstore) -> None:
    await mailstore.append(1)
    script = 'require ["fileinto", "envelope"]; fileinto "Archive"; if envelope "from" "x@example.com" { discard; }'
    actions = await decided(mailstore, script)
    assert isinstance(actions[0], KeepAction), "the implicit keep of an error"


async def test_a_message_that_is_gone(mailstore: CountedMailstore) -> None:
    inbox = await mailbox_id(mailstore, "INBOX")
    assert await mailstore.store.read(lambda reader: row_of(reader, inbox, 7)) is None


async def test_mailboxes_are_found_by_name_id_and_special_use(mailstore: CountedMailstore) -> None:
    await mailstore.append(1)
    request = pb.CreateMailboxRequest(account=ACCOUNT, name="Café")
    await mailstore.call("CreateMailbox", request)
    archive = await mailbox_id(mailstore, "Archive")
    for name in ("inbox", "Café", "Caf&AOk-", "Archive"):
        assert await holds(mailstore, "mailbox", f'mailboxexists "{name}"'), name
    for name in ("cafe", "Caf&AOk", "R&D", "archive"):
        assert not await holds(mailstore, "mailbox", f'mailboxexists "{name}"'), name
    assert await holds(mailstore, "mailboxid", f'mailboxidexists "{archive}"')
    assert not await holds(mailstore, "mailboxid", 'mailboxidexists "b-other"')
    assert await holds(mailstore, "special-use", r'specialuse_exists "\\junk"')
    assert await holds(mailstore, "special-use", r'specialuse_exists "Spam" "\\Junk"')
    assert not await holds(mailstore, "special-use", r'specialuse_exists "Trash" "\\Junk"')
    assert not await holds(mailstore, "special-use", r'specialuse_exists "\\Important"')


async def test_includes_and_annotations(mailstore: CountedMailstore) -> None:
    await mailstore.append(1)
    for location, name, mailbox in (("personal", "mine", "Archive"), ("global", "theirs", "Spam")):
        (action,) = await decided(mailstore, f'require "include"; include :{location} "{name}";')
        assert isinstance(action, FileIntoAction)
        assert action.mailbox == mailbox
    for missing in (':personal "theirs"', ':personal "broken"', ':global "mine"'):
        assert isinstance((await decided(mailstore, f'require "include"; include {missing};'))[0], KeepAction)
    assert await holds(mailstore, "mboxmetadata", 'metadata "INBOX" "/private/comment" "of a mailbox"')
    assert await holds(mailstore, "servermetadata", 'servermetadata "/private/comment" "of the server"')
    assert not await holds(mailstore, "mboxmetadata", 'metadata "Missing" "/private/comment" "of a mailbox"')


async def test_no_message_is_a_duplicate(mailstore: CountedMailstore) -> None:
    await mailstore.append(1)
    assert not await holds(mailstore, "duplicate", "duplicate")
    assert not await holds(mailstore, "duplicate", "duplicate")
