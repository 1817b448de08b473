"""What strangers may cost and grow through scripts that refuse in the SMTP dialogue or take names from mail."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import ListMailboxesRequest
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreStub
from shared.rpc.mailfold.mailstore.v1.scripts_pb2 import PutScriptRequest
from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import ScriptsStub
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"
_AT_ONCE, _MAILS = 24, 48
COSTLY = (
    'require ["body", "ereject", "regex"]; if header "subject" "probe" { ereject "probe"; }'
    + 'elsif body :raw :contains ["zz1", "zz2", "zz3", "zz4", "zz5", "zz6", "zz7"] { keep; }' * 3
    + 'elsif body :raw :regex "(a|b)+c(d|e)+f" { keep; } else { ereject "not you"; }'
)


def put(server: MailfoldServer, person: Person, source: str) -> None:
    request = PutScriptRequest(owner=person.account, name="rules", source=source.encode(), activate=True)
    server.contracts.ask("mailstore", ScriptsStub, "PutScript", request)


def code_of(server: MailfoldServer, person: Person, subject: str, body: bytes = b"Hello\r\n") -> int:
    with server.smtp() as smtp:
        mail = compose(SENDER, person.address, subject=subject, body=body)
        return smtp.send(SENDER, [person.address], mail.data).code


def test_a_flood_for_a_costly_script_is_answered_and_delays_nobody(server: MailfoldServer) -> None:
    """A stranger sends large mails at once to somebody whose script compares much of them before it refuses."""
    ann, bob = server.people.people("ann", "bob")
    put(server, ann, COSTLY)
    until(lambda: code_of(server, ann, "probe") == 550, "the script is known")
    body = (b"a" * 76 + b"\r\n") * 10_000
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        flood = [pool.submit(code_of, server, ann, "large", body) for _ in range(_MAILS)]
        other = compose(SENDER, bob.address, subject="for Bob")
        with server.smtp() as smtp:
            assert smtp.send(SENDER, [bob.address], other.data).code == 250
        with server.imap(bob) as imap:
            imap.wait_for(other.message_id)
        codes = Counter(sent.result() for sent in flood)
    assert set(codes) <= {250, 550} and codes.total() == _MAILS and codes[550] > 0
    server.settled()
    with server.imap(ann) as imap:
        assert imap.select() == 0


NAMES = (
    *("..", "a/" * 60 + "b", "x" * 900, "&AOk-", "%*", "INBOX", "a//b", "/", " ", '"', "=?utf-8?q?a=00b?=", "\u202e"),
    *(f"new{number}" for number in range(30)),
)


def test_a_stranger_who_names_mailboxes_and_flags_loses_no_mail() -> None:
    """A script takes names from mail: what may not be made leaves the mail in INBOX."""
    settings = {"MAILFOLD_MAILSTORE_MAX_MAILBOXES": "20", "MAILFOLD_MAILSTORE_MAX_MESSAGE_KEYWORDS": "5"}
    with MailfoldServer(settings=settings) as server:
        ann = server.people.person("ann")
        put(
            server,
            ann,
            'require ["variables", "fileinto", "mailbox", "imap4flags", "ereject"];'
            'if header "subject" "probe" { ereject "probe"; stop; }'
            'if header :matches "subject" "*" { setflag "${1} a b c d e f"; fileinto :create "lists/${1}"; }',
        )
        until(lambda: code_of(server, ann, "probe") == 550, "the script is known")
        with server.smtp() as smtp:
            for name in NAMES:
                mail = compose(SENDER, ann.address, subject="#").data
                mail = mail.replace(b"Subject: #", f"Subject: {name}".encode(), 1)
                assert smtp.send(SENDER, [ann.address], mail).code == 250
        server.settled()
        after = messages(server, ann)
        notices = 1  # of the errors of the script, the owner hears once a day
        assert sum(after.values()) == len(NAMES) + notices
        assert len(after) == 20 and after["INBOX"] > 20


def messages(server: MailfoldServer, person: Person) -> dict[str, int]:
    """The messages of each mailbox."""
    request = ListMailboxesRequest(account=person.account)
    boxes = server.contracts.ask("mailstore", MailstoreStub, "ListMailboxes", request).mailboxes
    return {box.name: box.messages for box in boxes}
