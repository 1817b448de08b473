"""A script over the mail of a window: what would go elsewhere, what decides it, and what is counted."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest

from services.delivery.domain.destinations import PresentMailbox, PresentMailboxes
from services.delivery.domain.mail import AcceptedMail
from services.delivery.domain.script_steps import MailboxKey
from services.delivery.domain.trial_totals import TrialTotals
from services.delivery.handlers import what_if
from services.delivery.handlers.account_mailboxes import AccountMailboxes
from services.delivery.handlers.past_mails import MailsRead, PastMail, StoredCopy
from services.delivery.handlers.script_trials import ChainLink, ScriptChain, ScriptTrials
from services.delivery.handlers.what_if import Examined, WhatIf, WhatIfBatch
from shared.blobs.errors import BlobError, BlobMissing
from shared.events.delivery import Step
from shared.events.mail import Message, RecordedCheck
from shared.events.scripts import ACTIVE, AFTER, BEFORE
from shared.grpc.errors import Unavailable
from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.environment import SieveEnvelope, SieveEnvironment
from shared.protocol.sieve.limits import DEFAULT_SCRIPT_LIMITS, ScriptLimits
from shared.protocol.sieve.mail.message import message_in_memory
from shared.scripts.questions import Answer, QuestionKind, ScriptQuestion
from shared.scripts.running import ScriptInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400_000_000
BEGIN = 1_700_000_000_000_000
NAMES = {"INBOX": "m1", "Spam": "m2", "Work": "m3"}
MAILBOXES = PresentMailboxes(
    PresentMailbox(identity, name, "\\Junk" if name == "Spam" else "") for name, identity in NAMES.items()
)
GONE, UNKNOWN, BUSY = "gone", "unknown", "busy"


class Boxes:
    async def place_of(self, key: MailboxKey, *, create: bool) -> str | None:
        return key.name if key.name in NAMES or create else None


async def answers(question: ScriptQuestion) -> Answer:
    assert question.kind is QuestionKind.MAILBOX_EXISTS, "a memory of the account is never asked"
    return question.arguments[0] in NAMES


def past(number: int, subject: str, into: str = "INBOX", **values: Any) -> PastMail:
    own = Step("ann@example.org", 0, "store", account="a1", address="ann@example.org")
    message = Message(f"g/{subject}", 100, message_id=f"{number}@x", subject=subject, author="bob@example.net")
    mail = AcceptedMail(
        f"q{number}", "bob@example.net", (), message, is_authenticated=True, spf=RecordedCheck("spf", "pass"), **values
    )
    stored = (StoredCopy(NAMES[into], number),) if into else ()
    return PastMail(f"q{number}", BEGIN + number * DAY, None if subject == UNKNOWN else mail, (own,), stored)


async def input_of(mail: PastMail) -> ScriptInput:
    assert mail.mail is not None
    subject = mail.mail.message.subject
    if subject == BUSY:
        raise BlobError("the disk does not answer")
    if subject == GONE:
        raise BlobMissing(mail.mail.message.blob)
    octets = (
        f"From: bob@example.net\r\nTo: ann@example.org\r\nMessage-ID: <{subject}@x>\r\nSubject: {subject}\r\n\r\nx\r\n"
    )
    environment = SieveEnvironment(now=EPOCH + timedelta(microseconds=mail.at), addresses=("ann@example.org",))
    envelope = SieveEnvelope(mail.mail.reverse_path, "ann@example.org")
    return ScriptInput(message_in_memory(octets.encode()), envelope, environment)


def trials(*sources: tuple[str, str], limits: ScriptLimits = DEFAULT_SCRIPT_LIMITS) -> ScriptTrials:
    links = tuple(ChainLink(place, "new", compile_script(source.encode())) for place, source in sources)
    return ScriptTrials(ScriptChain(links), cast(AccountMailboxes, Boxes()), answers, limits)


async def batches(mails: Sequence[PastMail]) -> AsyncGenerator[MailsRead]:
    for start in range(0, len(mails), 3):
        page = list(mails[start : start + 3])
        yield MailsRead(page, page[-1].at + 1, BEGIN)


async def run(
    source: str, *mails: PastMail, present: str | None = None, **chain: str
) -> tuple[list[Examined], TrialTotals, list[WhatIfBatch]]:
    places = [(BEFORE, chain.get("before", "")), (ACTIVE, source), (AFTER, chain.get("after", ""))]
    tried = trials(*((place, text) for place, text in places if text or place == ACTIVE))
    trial = WhatIf(input_of, tried, trials((ACTIVE, present)) if present is not None else None, MAILBOXES, 7 * 86_400)
    found = [batch async for batch in trial.over(batches(mails))]
    return [entry for batch in found for entry in batch.elsewhere], trial.totals, found


def ways(entries: list[Examined]) -> list[tuple[str, list[str], list[str], int]]:
    return [
        (
            entry.past.queue_id,
            entry.difference.was.shown(MAILBOXES),
            entry.difference.would_be.shown(MAILBOXES),
            entry.difference.line,
        )
        for entry in entries
    ]


FILES = 'require "fileinto";\nif header :contains "subject" "invoice" {\n  fileinto "Work"; }'


async def test_only_mail_that_would_go_elsewhere_is_named_with_the_deciding_line() -> None:
    mails = [past(1, "hello"), past(2, "invoice 1"), past(3, "invoice 2", "Work"), past(4, "hello", "Work")]
    entries, totals, _ = await run(FILES, *mails)
    assert ways(entries) == [("q2", ["INBOX"], ["Work"], 3), ("q4", ["Work"], ["INBOX"], 0)]
    assert entries[0].difference.rule == 'script "new" line 3: fileinto'
    assert (totals.mails, totals.elsewhere) == (4, 2)


async def test_each_kind_of_end_is_counted() -> None:
    source = (
        'require ["reject", "enotify", "fileinto"];\n'
        'if header "subject" "a" { discard; }\n'
        'elsif header "subject" "b" { redirect "eve@example.com"; }\n'
        'elsif header "subject" "c" { reject "no"; }\n'
        'elsif header "subject" "d" { notify "mailto:eve@example.com"; }\n'
        'elsif header "subject" "e" { fileinto "Missing"; }\n'
    )
    mails = [past(number, subject) for number, subject in enumerate(["a", "b", "c", "d", "e", GONE, UNKNOWN])]
    entries, totals, _ = await run(source, *mails)
    assert [(queue_id, would_be, line) for queue_id, _, would_be, line in ways(entries)] == [
        ("q0", [], 2),
        ("q1", ["eve@example.com"], 3),
        ("q2", ["refused"], 4),
    ]
    assert totals == TrialTotals(
        mails=5, elsewhere=3, redirected=1, refused=1, discarded=1, notified=1, failed=1, gone=1, unknown=1
    )


async def test_a_failed_script_says_where_a_mail_would_go_and_why() -> None:
    entries, _, _ = await run('require "fileinto";\nfileinto "Missing";', past(1, "x", "Work"))
    (entry,) = entries
    assert ways(entries) == [("q1", ["Work"], ["INBOX"], 2)]
    assert entry.difference.failure == 'there is no mailbox "Missing"'


async def test_a_new_mailbox_is_named_as_new() -> None:
    entries, _, _ = await run('require ["fileinto", "mailbox"];\nfileinto :create "Fresh";', past(1, "x"))
    assert ways(entries) == [("q1", ["INBOX"], ["Fresh (new)"], 2)]


async def test_spam_goes_where_the_server_files_it_unless_a_rule_keeps_it() -> None:
    spam = [past(1, "x", "Spam", spam=True), past(2, "invoice", "Spam", spam=True)]
    entries, _, _ = await run('if header :contains "subject" "invoice" { keep; }', *spam)
    assert ways(entries) == [("q2", ["Spam"], ["INBOX"], 1)]


async def test_duplicates_are_known_within_the_window_in_its_order() -> None:
    source = 'require "duplicate";\nif duplicate :seconds 172800 { discard; }'
    mails = [past(0, "a"), past(1, "a"), past(2, "b"), past(5, "a")]
    entries, totals, _ = await run(source, *mails)
    assert [entry.past.queue_id for entry in entries] == ["q1"]
    assert (totals.duplicates, totals.discarded) == (1, 1)


async def test_a_sender_would_get_one_answer_in_a_period_and_spam_none() -> None:
    source = 'require "vacation"; vacation :days 3 "away";'
    mails = [past(0, "a"), past(1, "b"), past(4, "c"), past(9, "d", "Spam", spam=True)]
    _, totals, _ = await run(source, *mails)
    assert totals.answered == 2


async def test_now_is_the_time_at_which_each_mail_came() -> None:
    day = (EPOCH + timedelta(microseconds=BEGIN + 2 * DAY)).date().isoformat()
    entries, _, _ = await run(
        f'require ["date", "fileinto"];\nif currentdate "date" "{day}" {{ fileinto "Work"; }}',
        *(past(number, "x") for number in range(4)),
    )
    assert [entry.past.queue_id for entry in entries] == ["q2"]


async def test_the_scripts_of_the_server_run_around_it() -> None:
    before = 'require "fileinto"; if header "subject" "spam" { fileinto "Spam"; }'
    after = 'require "editheader"; if header "x-mark" "1" { discard; }'
    source = 'require ["editheader"]; if header "subject" "hide" { addheader "X-Mark" "1"; }'
    entries, _, _ = await run(source, past(1, "spam"), past(2, "hide"), past(3, "x"), before=before, after=after)
    assert ways(entries) == [("q1", ["INBOX"], ["Spam"], 1), ("q2", ["INBOX"], [], 1)]
    assert entries[0].difference.rule.startswith('script "new" of the server')


async def test_it_compares_with_the_scripts_of_today_when_asked() -> None:
    mails = [past(1, "invoice", ""), past(2, "other", "Work")]
    entries, totals, _ = await run(FILES, *mails, present="")
    assert ways(entries) == [("q1", ["INBOX"], ["Work"], 3)]
    assert totals.mails == 2


async def test_a_refusal_to_a_forged_sender_keeps_the_mail() -> None:
    forged = past(1, "x")
    assert forged.mail is not None
    forged = forged._replace(mail=msgspec.structs.replace(forged.mail, is_authenticated=False, spf=None))
    entries, totals, _ = await run('require "reject"; reject "no";', forged)
    assert (entries, totals.refused) == ([], 0)


async def test_batches_tell_how_far_it_is() -> None:
    _, _, read = await run("keep;", *(past(number, "x") for number in range(7)))
    assert [batch.read_to for batch in read] == [BEGIN + number * DAY + 1 for number in (2, 5, 6)]
    assert {batch.ended for batch in read} == {""}


async def test_a_script_that_fails_everywhere_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if, "MOST_FAILURES", 4)
    _, totals, read = await run('require "fileinto"; fileinto "Missing";', *(past(n, "x") for n in range(9)))
    assert totals.failed == 4 and read[-1].ended == "the script has failed at 4 mails"


async def test_a_script_that_works_too_much_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if, "MOST_WORK", 1)
    _, totals, read = await run('if header :contains "subject" "y" { discard; }', *(past(n, "x") for n in range(9)))
    assert totals.mails == 1 and "works too much" in read[-1].ended


async def test_what_is_unavailable_is_no_end_of_a_mail() -> None:
    with pytest.raises(Unavailable):
        await run("keep;", past(1, "x"), past(2, BUSY))
