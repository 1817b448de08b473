"""Sessions that send no mail, and envelopes of the largest size. All counts are replies and recipients."""

from __future__ import annotations

import socket

import pytest

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import SMTP
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"
_PATIENCE = 60.0


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    """A recipient of other mail meanwhile."""
    return server.people.person("ann")


def is_served(server: MailfoldServer, person: Person) -> bool:
    """Check that a mail to somebody is delivered."""
    sent = compose(SENDER, person.address)
    with server.smtp() as smtp:
        smtp.send(SENDER, [person.address], sent.data)
    with server.imap(person) as imap:
        return imap.wait_for(sent.message_id) > 0


@pytest.mark.parametrize(
    ("flood", "most"),
    [
        (b"EHLO client.example\r\n" * 20_000, 20 * 10 + 1),
        (b"RSET\r\n" * 20_000, 1001),
        (b"NOOP\r\n" * 20_000, 1001),
        (b"VRFY ann\r\n" * 20_000, 1001),
        (b"HELP\r\n" * 20_000, 1001),
        (b"FNORD\r\n" * 20_000, 21),
        (b"MAIL FROM:<a@b.example>\r\nRSET\r\n" * 10_000, 2002),
        (b"RCPT TO:<a@b.example>\r\n" * 20_000, 1001),
        (b"MAIL FROM:<a@b.example> SIZE=99999999999\r\n" * 20_000, 1001),
    ],
    ids=["EHLO", "RSET", "NOOP", "VRFY", "HELP", "unknown", "MAIL", "RCPT", "SIZE"],
)
def test_floods_end_the_session(server: MailfoldServer, ann: Person, flood: bytes, most: int) -> None:
    """20,000 times one command in one write gets a bounded number of replies, the last one 421, and others are served.

    Before, 20,000 EHLO and as many refused recipients were all answered.
    """
    greeting = [b"EHLO client.example\r\n"] if not flood.startswith(b"EHLO") else []
    lines = replies_to(server, greeting, flood)
    assert len(lines) <= most + 11
    assert lines[-1].startswith(b"421 4.7.0 ")
    assert is_served(server, ann)


def replies_to(server: MailfoldServer, greeting: list[bytes], flood: bytes) -> list[bytes]:
    """The lines that a simple client reads until the server closes.

    It waits for the reply to each line of the greeting, as RFC 2920 requires, and to each EHLO of a flood.
    """
    with socket.create_connection(("127.0.0.1", server.port(SMTP)), _PATIENCE) as client:
        lines = client.makefile("rb")
        read = [lines.readline()]
        for line in greeting or flood.splitlines(keepends=True):
            client.sendall(line)
            while (answer := lines.readline())[3:4] == b"-":
                read.append(answer)
            read.append(answer)
            if answer.startswith(b"421"):
                return read
        client.sendall(flood)
        return read + lines.read().splitlines()


def test_twelve_thousand_guessed_recipients(server: MailfoldServer, ann: Person) -> None:
    """In one session and one write: twenty are answered, each later than the one before, then the session ends."""
    guesses = b"".join(b"RCPT TO:<guess%d@example.org>\r\n" % number for number in range(12_000))
    lines = replies_to(server, [b"EHLO client.example\r\n"], b"MAIL FROM:<a@b.example>\r\n" + guesses)
    refused = [line for line in lines if line.startswith(b"550 5.1.1 ")]
    assert len(refused) == 20
    assert lines[-1].startswith(b"421 4.7.0 ")
    assert is_served(server, ann)


def test_one_octet_at_a_time(server: MailfoldServer, ann: Person) -> None:
    """A whole session in writes of one octet."""
    sent = compose(SENDER, ann.address)
    with server.smtp() as smtp:
        for command, code in (
            (b"MAIL FROM:<%s>" % SENDER.encode(), 250),
            (b"RCPT TO:<%s>" % ann.address.encode(), 250),
            (b"DATA", 354),
        ):
            for octet in command + b"\r\n":
                smtp.write(bytes((octet,)))
            assert smtp.reply().code == code
        for octet in sent.data + b".\r\n":
            smtp.write(bytes((octet,)))
        assert smtp.reply().queue_id
    with server.imap(ann) as imap:
        assert imap.fetch(imap.wait_for(sent.message_id)).endswith(sent.data)


@pytest.mark.parametrize("submitted", [False, True], ids=["received", "submitted"])
def test_the_largest_envelope_arrives(server: MailfoldServer, submitted: bool) -> None:
    """962 recipients, each with an ORCPT of 490 quotation marks, which JSON doubles.

    The accepted recipients get the mail, the others are answered 452, and nothing remains. Before, all were accepted,
    and the mail never left the ingress.
    """
    people = server.people.people("eve", "fay", "gus")
    sent = compose(people[0].address if submitted else SENDER, people[0].address)
    names = [people[number % 3].address.replace("@", f"+{number}@") for number in range(962)]
    parameters = ' NOTIFY=FAILURE,DELAY ORCPT=rfc822;"' + '"' * 489
    with server.submissions(people[0]) if submitted else server.smtp() as smtp:
        sender = people[0].address if submitted else SENDER
        smtp.expect(250, f"MAIL FROM:<{sender}>".encode())
        codes = [smtp.command(f"RCPT TO:<{name}>{parameters}".encode()).code for name in names]
        assert set(codes) == {250, 452} and codes.count(250) > 400
        smtp.expect(354, b"DATA")
        queue_id = smtp.data(sent.data).queue_id
    for person in people:
        with server.imap(person) as imap:
            imap.wait_for(sent.message_id)
            assert imap.count("INBOX") == 1
    server.settled()
    assert queue_id not in [reception.queue_id for reception in server.contracts.receptions()]
