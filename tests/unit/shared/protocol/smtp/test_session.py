"""What a shell sees of a session: events, waiting, transactions, references, limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.protocol.address.address import Address
from shared.protocol.smtp import replies
from shared.protocol.smtp.body import BareNewline
from shared.protocol.smtp.commands import Ehlo, Mail, Notify, Rcpt
from shared.protocol.smtp.config import Port
from shared.protocol.smtp.events import (
    NEED_ANSWER,
    NEED_DATA,
    AuthStarted,
    BodyChunk,
    BodyEnd,
    MailFrom,
    RcptTo,
    RefusedCommand,
    SessionMisuse,
    StartData,
    Wait,
)
from shared.protocol.smtp.reference import reference
from shared.protocol.smtp.reply import Reply
from shared.protocol.smtp.session import ServerSession
from tests.harness.work import assert_cost_grows_with_size, assert_lines_grow_with_size
from tests.unit.shared.protocol.smtp.dialogs import DIALOGS, NORMALISE
from tests.unit.shared.protocol.smtp.shell import config, ready, shell

_ENVELOPE = b"MAIL FROM:<bob@sender.example> ENVID=x\r\nRCPT TO:<ann@example.org> NOTIFY=NEVER\r\n"


def test_pipelined_commands_wait_for_the_answer() -> None:
    session = ready().session
    session.receive(_ENVELOPE)
    assert session.next_event() == MailFrom(Mail(Address("bob", "sender.example"), envid="x"))
    assert session.next_event() is NEED_ANSWER
    assert session.buffered == len(b"RCPT TO:<ann@example.org> NOTIFY=NEVER\r\n")
    assert session.answer(replies.sender_accepted()) == b"250 2.1.0 Sender OK\r\n"
    assert isinstance(session.next_event(), RcptTo)
    session.answer(replies.recipient_accepted())
    assert session.next_event() is NEED_DATA
    with pytest.raises(SessionMisuse):
        session.answer(replies.ok())


def test_a_message_brings_its_transaction() -> None:
    made = ready()
    made.hear(_ENVELOPE + b"RCPT TO:<nobody@example.org>\r\nDATA\r\n..a\r\n\xe4\r\n.\r\nRSET\r\n")
    ((end, body),) = made.messages
    assert body == b".a\r\n\xe4\r\n"
    assert end.size == len(body)
    assert end.flags.eight_bit
    assert end.refusal is None
    assert end.transaction.hello == Ehlo("client.example")
    assert end.transaction.mail == Mail(Address("bob", "sender.example"), envid="x")
    assert end.transaction.recipients == (Rcpt(Address("ann", "example.org"), frozenset({Notify.NEVER})),)
    (start,) = [event for event in made.events if isinstance(event, StartData)]
    assert start == StartData(end.transaction, chunked=False)


def test_two_mails_share_nothing() -> None:
    made = ready()
    made.hear(_ENVELOPE + b"DATA\r\na\r\n.\r\n" + b"MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nBDAT 1 LAST\r\nb")
    assert [body for _, body in made.messages] == [b"a\r\n", b"b"]
    assert made.messages[1][0].transaction.mail == Mail(None)
    assert [str(rcpt.forward_path) for rcpt in made.messages[1][0].transaction.recipients] == ["b@example.org"]


def test_chunks_make_one_message() -> None:
    made = ready()
    made.hear(_ENVELOPE + b"BDAT 3\r\n.\r\nBDAT 0\r\nBDAT 6 LAST\r\nQUIT\r\n")
    assert [body for _, body in made.messages] == [b".\r\nQUIT\r\n"]
    assert [event.chunked for event in made.events if isinstance(event, StartData)] == [True]


def test_binary_chunks_are_kept() -> None:
    made = ready()
    made.hear(b"MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<ann@example.org>\r\nBDAT 5\r\n\n.\n\0\rBDAT 1 LAST\r\n\n")
    assert [body for _, body in made.messages] == [b"\n.\n\0\r\n"]


def test_converted_line_ends() -> None:
    made = ready(NORMALISE)
    made.hear(_ENVELOPE + b"DATA\r\na\nb\rc\r\n.\nd\r\n.\r\n")
    assert [body for _, body in made.messages] == [b"a\r\nb\r\nc\r\n\r\nd\r\n"]


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        (b"a\n.\nb\r\n.\r\n", b"a\r\n\r\nb\r\n"),  # a lone dot between bare LF ends nothing
        (b"a\n.\r\nb\r\n.\r\n", b"a\r\n\r\nb\r\n"),  # LF.CRLF
        (b"a\r\n.\nb\r\n.\r\n", b"a\r\n\r\nb\r\n"),  # CRLF.LF
        (b"a\r.\rb\r\n.\r\n", b"a\r\n.\r\nb\r\n"),  # CR.CR: nobody stuffs a line behind a bare CR
        (b"a\r.\r\nb\r\n.\r\n", b"a\r\n.\r\nb\r\n"),  # CR.CRLF
        (b"a\r\n.\rb\r\n.\r\n", b"a\r\n\r\nb\r\n"),  # CRLF.CR
        (b"a\n..b\n...\n\r\n.\r\n", b"a\r\n.b\r\n..\r\n\r\n"),  # as smtplib stuffs bytes
        (b"..\n\n..\r\r\n.\r\n", b".\r\n\r\n.\r\n\r\n"),
        (b".\n.\r\n\r\n.\r\n", b"\r\n\r\n\r\n"),
    ],
)
def test_normalised_at_every_cut_into_two(sent: bytes, taken: bytes) -> None:
    """CRLF.CRLF alone ends DATA, wherever the network cuts; what follows is a command again."""
    stream = _ENVELOPE + b"DATA\r\n" + sent + b"NOOP\r\n"
    for cut in range(len(stream) + 1):
        made = ready(NORMALISE).hear_all([stream[:cut], stream[cut:]])
        assert [body for _, body in made.messages] == [taken]
        assert made.said.endswith(b"Accepted as q1\r\n250 2.0.0 OK\r\n")


def test_a_normalised_chunk_is_not_unstuffed() -> None:
    made = ready(NORMALISE)
    made.hear(_ENVELOPE + b"BDAT 6\r\na\n..b\rBDAT 4 LAST\r\n\nc\r\n")
    assert [body for _, body in made.messages] == [b"a\r\n..b\r\nc\r\n"]


_SYNC = config(Port.SUBMISSION, tls_active=True, mechanisms=("PLAIN", "LOGIN"), enforce_sync=True)


@pytest.mark.parametrize(
    "early",
    [
        b"EHLO x\r\nMAIL FROM:<>\r\n",
        b"HELO x\r\nMAIL FROM:<>\r\n",
        b"AUTH PLAIN AGFubgBzZWNyZXQ=\r\nMAIL FROM:<ann@example.org>\r\n",
        b"AUTH LOGIN\r\nYW5u\r\nc2VjcmV0\r\n",
        _ENVELOPE + b"DATA\r\nSubject: x\r\n",
        _ENVELOPE + b"DATA\r\n\r\n.\r\nMAIL FROM:<admin@example.org>\r\n",
        b"DATA\r\nMAIL FROM:<admin@example.org>\r\n",  # out of place, and what follows may be a message all the same
    ],
)
def test_input_before_its_time_ends_the_session(early: bytes) -> None:
    """RFC 2920 §3.1: the client cannot know yet what its next octets would be."""
    made = ready(_SYNC)
    made.session.authenticated() if b"AUTH" not in early else None
    made.hear(early)
    assert made.said.endswith(b"554 5.5.0 You must wait for the reply here\r\n")
    assert made.session.closed and made.session.buffered == 0
    assert made.messages == []
    made.hear(b"NOOP\r\n")
    assert made.said.endswith(b"554 5.5.0 You must wait for the reply here\r\n")


def test_input_behind_starttls_ends_the_session() -> None:
    made = ready(config(tls_offered=True, enforce_sync=True))
    made.hear(b"STARTTLS\r\nRSET\r\n")
    assert made.said == b"554 5.5.0 You must wait for the reply here\r\n"
    assert made.session.closed


def test_groups_of_rfc_2920_and_chunks_are_in_time() -> None:
    made = ready(config(enforce_sync=True))
    made.hear(b"RSET\r\nNOOP\r\n" + _ENVELOPE + b"DATA\r\n")
    made.hear(b"a\r\n.\r\n" + _ENVELOPE + b"BDAT 1\r\nbBDAT 1 LAST\r\nc" + _ENVELOPE + b"DATA\r\n")
    made.hear(b"d\r\n.\r\nQUIT\r\n")
    assert [body for _, body in made.messages] == [b"a\r\n", b"bc", b"d\r\n"]


@pytest.mark.parametrize("command", [b"EHLO x", b"RSET", b"NOOP", b"VRFY a", b"HELP", b"RCPT TO:<a@example.org>"])
def test_twenty_thousand_of_one_command(command: bytes) -> None:
    """Whatever brings no mail ends the session after a bounded number of replies."""
    made = ready()
    made.hear((command + b"\r\n") * 20_000)
    assert made.session.closed
    assert made.said.splitlines()[-1].startswith(b"421 4.7.0 ")
    assert len(made.events) <= 1001


def test_a_reset_between_chunks_aborts() -> None:
    made = ready()
    made.hear(_ENVELOPE + b"BDAT 3\r\nabcRSET\r\n" + _ENVELOPE + b"BDAT 1 LAST\r\nd")
    assert made.aborted == 1
    assert [body for _, body in made.messages] == [b"d"]


def test_ehlo_in_a_transaction_aborts() -> None:
    made = ready()
    made.hear(_ENVELOPE + b"EHLO other.example\r\n")
    assert made.aborted == 1
    made.hear(b"RSET\r\n")
    assert made.aborted == 1


def test_a_body_that_was_refused_cannot_be_accepted() -> None:
    session = ready(config(max_message_size=2)).session
    session.receive(b"MAIL FROM:<>\r\n")
    session.next_event()
    session.answer(replies.ok())
    session.receive(b"RCPT TO:<ann@example.org>\r\nDATA\r\n")
    for _ in range(2):
        session.next_event()
        session.answer(replies.start_mail_input())
    session.receive(b"abc\r\n.\r\n")
    end = session.next_event()
    assert isinstance(end, BodyEnd)
    with pytest.raises(SessionMisuse):
        session.answer(replies.message_accepted("q1"))
    assert end.refusal is not None
    assert session.answer(end.refusal).startswith(b"552 5.3.4 ")


def test_no_octet_of_a_refused_body_goes_on() -> None:
    for start in (b"DATA\r\n", b"BDAT 4004 LAST\r\n"):
        session = ready().session
        session.receive(_ENVELOPE + start)
        while isinstance(event := session.next_event(), MailFrom | RcptTo | StartData):
            session.answer(replies.start_mail_input() if isinstance(event, StartData) else replies.ok())
        passed = 0
        for piece in [b"x" * 100] * 40 + [b"\r\n\r\n"]:
            session.receive(piece)
            while isinstance(event := session.next_event(), BodyChunk):
                passed += len(event.data)
        assert passed <= 1000


def test_refusals_have_references() -> None:
    made = ready(config(session_id="s1", max_bad_commands=3))
    made.hear(b"FOO\r\nMAIL FROM:<spammer@sender.example>\r\nNOOP\r\n")
    first, second = reference("s1", 1), reference("s1", 2)
    assert made.said.splitlines()[0] == f"500 5.5.1 Command not recognised (ref {first})".encode()
    assert made.said.splitlines()[1].endswith(f" (ref {second})".encode())
    assert made.said.splitlines()[2] == b"250 2.0.0 OK"
    refused = made.events[0]
    assert isinstance(refused, RefusedCommand)
    assert refused.reply.reference == first


def test_the_last_reply_is_known_with_its_reference() -> None:
    made = ready(config(session_id="s1"))
    made.hear(b"MAIL FROM:<spammer@sender.example>\r\n")
    assert made.session.last_reply is not None
    assert made.session.last_reply.reference == reference("s1", 1)


def test_a_connection_can_be_refused() -> None:
    session = ServerSession(config(session_id="s1"))
    assert session.greeting(Reply(554, "5.7.1", ("Not from there",))).startswith(b"554 5.7.1 ")
    assert session.closed
    session.receive(b"EHLO x\r\n")
    assert session.next_event() is Wait.CLOSED
    assert session.buffered == 0


def test_tls_starts_anew() -> None:
    made = ready(config(Port.RELAY, tls_offered=True, mechanisms=("PLAIN",)))
    made.hear(b"STARTTLS\r\nMAIL FROM:<x@example.org>\r\n")
    assert made.session.next_event() is Wait.TLS
    made.hear(b"more\r\n")
    assert made.session.injected == len(b"MAIL FROM:<x@example.org>\r\nmore\r\n")
    made.session.tls_started()
    assert made.session.tls_active
    assert made.session.next_event() is NEED_DATA
    with pytest.raises(SessionMisuse):
        made.session.tls_started()


def test_a_refused_starttls_changes_nothing() -> None:
    session = ready(config(tls_offered=True)).session
    session.receive(b"STARTTLS\r\nNOOP\r\n")
    session.next_event()
    assert session.answer(replies.tls_not_available()).startswith(b"454 4.7.0 ")
    assert not session.tls_active
    assert session.next_event() not in (NEED_DATA, NEED_ANSWER, Wait.TLS)


def test_authentication_by_certificate() -> None:
    made = ready(config(Port.SUBMISSION, tls_active=True, mechanisms=("PLAIN",)))
    made.session.authenticated()
    made.hear(b"MAIL FROM:<ann@example.org>\r\n")
    assert made.said == b"250 2.1.0 Sender OK\r\n"


def test_secrets_are_not_shown() -> None:
    made = ready(config(tls_active=True, mechanisms=("LOGIN",)))
    made.hear(b"AUTH LOGIN YW5u\r\nc2VjcmV0\r\n")
    assert isinstance(made.events[0], AuthStarted)
    assert "YW5u" not in repr(made.events)
    assert "c2VjcmV0" not in repr(made.events)


def test_ten_thousand_recipients() -> None:
    made = ready(config(max_recipients=10_000))
    lines = b"".join(b"RCPT TO:<user%d@example.org>\r\n" % number for number in range(10_001))
    made.hear(b"MAIL FROM:<>\r\n" + lines + b"DATA\r\nx\r\n.\r\n")
    assert len(made.messages[0][0].transaction.recipients) == 10_000
    assert made.said.count(b"250 2.1.5 ") == 10_000
    assert made.said.count(b"452 4.5.3 ") == 1


def test_many_small_mails_in_one_piece_cost_linear_work() -> None:
    def hear(count: int) -> None:
        made = ready()
        made.hear((_ENVELOPE + b"DATA\r\n.\r\n") * count)
        assert len(made.messages) == count

    assert_lines_grow_with_size(hear, 100)
    assert_cost_grows_with_size(hear, 4_000)


def test_an_endless_line_is_not_kept() -> None:
    made = shell()
    for _ in range(200):
        made.hear(b"x" * 10_000)
        assert made.session.buffered < 2048
    assert made.said.count(b"500 5.5.2 ") == 1


_PIECES = [
    b"EHLO x\r\n",
    b"MAIL FROM:<>\r\n",
    b"RCPT TO:<ann@example.org>\r\n",
    b"DATA\r\n",
    b"BDAT 5\r\n",
    b"BDAT 3 LAST\r\n",
    b"RSET\r\n",
]
_PIECES += [
    b"STARTTLS\r\n",
    b"AUTH LOGIN\r\n",
    b"*\r\n",
    b"QUIT\r\n",
    b"\r\n.\r\n",
    b"\n",
    b"\r",
    b".",
    b"\0",
    b"x" * 700,
    b"\xff",
    b" ",
]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(_PIECES), max_size=40),
    st.sampled_from([dialog.config for dialog in DIALOGS] + [config(bare_newline=BareNewline.KEEP)]),
)
def test_any_bytes_are_handled(pieces: list[bytes], settings_of_session: object) -> None:
    made = shell(settings_of_session)  # type: ignore[arg-type]
    for piece in pieces:
        made.hear(piece)
        if made.session.next_event() is Wait.TLS:
            made.session.tls_started()
    assert made.session.buffered < 4096
    for line in made.said.splitlines():
        assert line[:3].isdigit()
