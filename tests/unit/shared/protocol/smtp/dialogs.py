"""Dialogs, as in the RFCs.

``C:`` is a line of the client, ``S:`` what must be said, ``C!`` and ``S!`` the same as Python bytes without a line end,
``TLS`` the handshake, ``CLOSED`` the end of the session.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.protocol.smtp.body import BareNewline
from shared.protocol.smtp.config import FutureRelease, Port, SessionConfig
from tests.unit.shared.protocol.smtp.shell import config

SUBMISSION = config(Port.SUBMISSION, tls_offered=True, mechanisms=("PLAIN", "LOGIN"))
SUBMISSIONS = config(Port.SUBMISSION, tls_active=True, mechanisms=("PLAIN", "LOGIN"))
RELAY = config(tls_offered=True)
BARE = config()
NORMALISE = config(bare_newline=BareNewline.NORMALISE)
STRICT = config(max_bad_commands=2, max_idle_commands=3, max_recipients=2)
PLAIN_ONLY = config(chunking=False, smtputf8=False)


_SMUGGLED = b"MAIL FROM:<admin@example.org>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\nsecond\r\n.\r\n"


@dataclass(frozen=True)
class Dialog:
    name: str
    config: SessionConfig
    client: tuple[bytes | None, ...]  # None is the TLS handshake
    server: bytes
    closed: bool


def _dialog(name: str, settings: SessionConfig, script: str) -> Dialog:
    client: list[bytes | None] = [b""]
    server, closed = b"", False
    for line in filter(str.strip, script.splitlines()):
        mark, text = line.strip()[:2], line.strip()[3:]
        data = eval(text) if mark[1:] == "!" else text.encode() + b"\r\n"
        if mark[:1] == "S":
            server += data
        elif line.strip() == "TLS":
            client += [None, b""]
        elif line.strip() == "CLOSED":
            closed = True
        else:
            client[-1] = (client[-1] or b"") + data
    return Dialog(name, settings, tuple(client), b"220 mx.example.org ESMTP Mailfold\r\n" + server, closed)


_HELLO = """C: EHLO client.example
    S: 250-mx.example.org
    S: 250-PIPELINING
    S: 250-SIZE 1000
    S: 250-8BITMIME
    S: 250-ENHANCEDSTATUSCODES
    S: 250-DSN
    S: 250-CHUNKING
    S: 250-BINARYMIME
    S: 250 SMTPUTF8
    """
_HELLO_CLEAR = _HELLO.replace("S: 250-DSN", "S: 250-STARTTLS\n    S: 250-DSN")
_HELLO_TLS = _HELLO.replace("S: 250-DSN", "S: 250-AUTH PLAIN LOGIN\n    S: 250-DSN\n    S: 250-REQUIRETLS")
_ENVELOPE = """C: MAIL FROM:<bob@sender.example>
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<ann@example.org>
    S: 250 2.1.5 Recipient OK
    """
_START = (
    _ENVELOPE
    + """C: DATA
    S: 354 End with a line of a single dot
    """
)
_REFUSED_BODY = """S: 550 5.6.0 The message has a CR or LF that is not part of CRLF
    C: NOOP
    S: 250 2.0.0 OK"""
_BAD_END = "S: 500 5.5.2 A line must end in CRLF and hold no other CR or LF"

DIALOGS = [
    _dialog(
        "a mail",
        BARE,
        _HELLO
        + _START
        + """
        C: Subject: hello
        C:
        C: .. is a dot
        C: .
        S: 250 2.0.0 Accepted as q1
        C: QUIT
        S: 221 2.0.0 Bye
        CLOSED""",
    ),
    _dialog(
        "HELO",
        BARE,
        """
        C: HELO client.example
        S: 250 mx.example.org
        C: mail from:<>
        S: 250 2.1.0 Sender OK
        C: rcpt to:<Postmaster>
        S: 250 2.1.5 Recipient OK
        C: data
        S: 354 End with a line of a single dot
        C: .
        S: 250 2.0.0 Accepted as q1""",
    ),
    _dialog(
        "out of sequence",
        BARE,
        """
        C: MAIL FROM:<>
        S: 503 5.5.1 Send EHLO first
        C: DATA
        S: 503 5.5.1 Send EHLO first
        """
        + _HELLO
        + """
        C: RCPT TO:<ann@example.org>
        S: 503 5.5.1 Send MAIL first
        C: DATA
        S: 503 5.5.1 Send MAIL first
        C: MAIL FROM:<>
        S: 250 2.1.0 Sender OK
        C: MAIL FROM:<>
        S: 503 5.5.1 Not during a mail transaction
        C: DATA
        S: 554 5.5.1 No valid recipients
        C: RCPT TO:<nobody@example.org>
        S: 550 5.1.1 There is no such mailbox here
        C: RCPT TO:<later@example.org>
        S: 451 4.3.0 The recipient cannot be checked now, try later
        C: DATA
        S: 554 5.5.1 No valid recipients
        C: RSET
        S: 250 2.0.0 Reset
        C: RCPT TO:<ann@example.org>
        S: 503 5.5.1 Send MAIL first""",
    ),
    _dialog(
        "EHLO resets",
        BARE,
        _HELLO
        + _ENVELOPE
        + _HELLO
        + """
        C: DATA
        S: 503 5.5.1 Send MAIL first""",
    ),
    _dialog(
        "a refused sender and what was pipelined behind",
        BARE,
        _HELLO
        + """
        C: MAIL FROM:<spammer@sender.example>
        S: 553 5.7.1 You may not send as this address
        C: RCPT TO:<ann@example.org>
        S: 503 5.5.1 Send MAIL first
        C: DATA
        S: 503 5.5.1 Send MAIL first
        """
        + _ENVELOPE,
    ),
    _dialog(
        "idle commands",
        BARE,
        _HELLO
        + """
        C: NOOP
        S: 250 2.0.0 OK
        C: NOOP whatever
        S: 250 2.0.0 OK
        C: VRFY ann
        S: 252 2.0.0 Send some mail, it will be tried
        C: EXPN staff
        S: 502 5.7.2 Lists are not expanded here
        C: HELP
        S: 214 2.0.0 See RFC 5321
        C: RSET
        S: 250 2.0.0 Reset""",
    ),
    _dialog(
        "too many bad commands",
        STRICT,
        """
        C: FOO
        S: 500 5.5.1 Command not recognised
        C:
        S: 500 5.5.1 Command not recognised
        C: BAR
        S: 421 4.7.0 Too many bad commands
        C: NOOP
        CLOSED""",
    ),
    _dialog(
        "too many idle commands",
        STRICT,
        """
        C: NOOP
        S: 250 2.0.0 OK
        C: NOOP
        S: 250 2.0.0 OK
        C: RSET
        S: 250 2.0.0 Reset
        C: VRFY x
        S: 421 4.7.0 Too many commands that bring no mail
        C: NOOP
        CLOSED""",
    ),
    _dialog(
        "an accepted message forgives what came before it",
        STRICT,
        _HELLO
        + """
        C: FOO
        S: 500 5.5.1 Command not recognised
        C: BAR
        S: 500 5.5.1 Command not recognised
        C: NOOP
        S: 250 2.0.0 OK
        C: NOOP
        S: 250 2.0.0 OK
        C: NOOP
        S: 250 2.0.0 OK
        """
        + _START
        + """C: .
        S: 250 2.0.0 Accepted as q1
        C: FOO
        S: 500 5.5.1 Command not recognised
        C: NOOP
        S: 250 2.0.0 OK""",
    ),
    _dialog(
        "greetings without end",
        STRICT,
        _HELLO
        + _HELLO
        + """
        C: HELO client.example
        S: 250 mx.example.org
        C: EHLO client.example
        S: 421 4.7.0 Too many bad commands
        CLOSED""",
    ),
    _dialog(
        "guessed recipients",
        STRICT,
        _HELLO
        + """
        C: MAIL FROM:<bob@sender.example>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<nobody@example.org>
        S: 550 5.1.1 There is no such mailbox here
        C: RCPT TO:<ann@example.org>
        S: 250 2.1.5 Recipient OK
        C: RSET
        S: 250 2.0.0 Reset
        C: MAIL FROM:<bob@sender.example>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<nobody@example.org>
        S: 550 5.1.1 There is no such mailbox here
        C: RCPT TO:<nobody@example.org>
        S: 421 4.7.0 Too many bad commands
        C: RCPT TO:<nobody@example.org>
        CLOSED""",
    ),
    _dialog(
        "recipients that cannot be checked now are no fault of the client",
        config(max_bad_commands=1),
        _HELLO
        + """
        C: MAIL FROM:<bob@sender.example>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<later@example.org>
        S: 451 4.3.0 The recipient cannot be checked now, try later
        C: RCPT TO:<later@example.org>
        S: 451 4.3.0 The recipient cannot be checked now, try later
        C: RCPT TO:<ann@example.org>
        S: 250 2.1.5 Recipient OK""",
    ),
    _dialog(
        "recipients behind a refused sender, without end",
        STRICT,
        _HELLO
        + """
        C: MAIL FROM:<spammer@sender.example>
        S: 553 5.7.1 You may not send as this address
        C: RCPT TO:<a@example.org>
        S: 503 5.5.1 Send MAIL first
        C: RCPT TO:<b@example.org>
        S: 503 5.5.1 Send MAIL first
        C: DATA
        S: 503 5.5.1 Send MAIL first
        C: RCPT TO:<c@example.org>
        S: 421 4.7.0 Too many commands that bring no mail
        CLOSED""",
    ),
    _dialog(
        "chunks of nothing",
        STRICT,
        _HELLO
        + _ENVELOPE
        + """
        C! b"BDAT 1\\r\\nxBDAT 0\\r\\nBDAT 0\\r\\nBDAT 1\\r\\nyBDAT 0\\r\\nBDAT 0\\r\\nBDAT 0\\r\\n"
        S: 250 2.0.0 1 octets received
        S: 250 2.0.0 0 octets received
        S: 250 2.0.0 0 octets received
        S: 250 2.0.0 1 octets received
        S: 250 2.0.0 0 octets received
        S: 421 4.7.0 Too many commands that bring no mail
        CLOSED""",
    ),
    _dialog(
        "log-ins that are begun and broken without end",
        config(Port.SUBMISSION, tls_active=True, mechanisms=("PLAIN", "LOGIN"), max_bad_commands=2),
        _HELLO_TLS
        + """
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: *
        S: 501 5.7.0 Authentication cancelled
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: not base64
        S: 501 5.5.2 Malformed authentication response
        C: AUTH PLAIN AGFubgB3cm9uZw==
        S: 421 4.7.0 Too many bad commands
        CLOSED""",
    ),
    _dialog(
        "too many recipients",
        STRICT,
        _HELLO
        + _ENVELOPE
        + """
        C: RCPT TO:<b@example.org>
        S: 250 2.1.5 Recipient OK
        C: RCPT TO:<c@example.org>
        S: 452 4.5.3 Too many recipients
        C: RCPT TO:<d@example.org>
        S: 452 4.5.3 Too many recipients
        C: RCPT TO:<e@example.org>
        S: 452 4.5.3 Too many recipients
        C: DATA
        S: 354 End with a line of a single dot
        C: .
        S: 250 2.0.0 Accepted as q1""",
    ),
    _dialog(
        "421 from the shell closes",
        BARE,
        _HELLO
        + _ENVELOPE
        + """
        C: RCPT TO:<bye@example.org>
        S: 421 4.3.2 The server is shutting down
        C: DATA
        CLOSED""",
    ),
    _dialog(
        "a browser",
        BARE,
        """
        C: POST / HTTP/1.1
        S: 421 4.7.0 This is not SMTP
        C: EHLO attacker.example
        C: MAIL FROM:<x@example.org>
        CLOSED""",
    ),
    _dialog(
        "SIZE over the limit",
        BARE,
        _HELLO
        + """
        C: MAIL FROM:<> SIZE=1001
        S: 552 5.3.4 The message is larger than 1000 octets
        C: MAIL FROM:<> SIZE=1000
        S: 250 2.1.0 Sender OK""",
    ),
    _dialog(
        "a message over the limit",
        BARE,
        _HELLO
        + _START
        + """
        C! b"0123456789\\r\\n" * 100
        C: .
        S: 552 5.3.4 The message is larger than 1000 octets
        C: NOOP
        S: 250 2.0.0 OK""",
    ),
    _dialog(
        "a message at the limit",
        BARE,
        _HELLO
        + _START
        + """
        C! b"..234567\\r\\n" + b"01234567\\r\\n" * 99 + b"9\\r\\n"
        C: .
        S: 552 5.3.4 The message is larger than 1000 octets
        """
        + _START
        + """
        C! b"..2345678\\r\\n" + b"01234567\\r\\n" * 99
        C: .
        S: 250 2.0.0 Accepted as q1""",
    ),
    _dialog(
        "DATA refused by the shell",
        BARE,
        _HELLO
        + """
        C: MAIL FROM:<> ENVID=full
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<ann@example.org>
        S: 250 2.1.5 Recipient OK
        C: DATA
        S: 452 4.3.1 The system has no room now
        """
        + _ENVELOPE,
    ),
    _dialog(
        "non-ASCII without SMTPUTF8",
        BARE,
        _HELLO
        + """
        C: MAIL FROM:<анна@example.org>
        S: 553 5.6.7 A non-ASCII address needs SMTPUTF8
        C: MAIL FROM:<ann@example.org>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<анна@example.org>
        S: 553 5.6.7 A non-ASCII address needs SMTPUTF8
        C: RCPT TO:<ann@bücher.example>
        S: 553 5.6.7 A non-ASCII address needs SMTPUTF8
        C: NOOP ä
        S: 500 5.5.2 Only ASCII is allowed here
        C! b"MAIL FROM:<\\xff@example.org> SMTPUTF8\\r\\n"
        S: 500 5.5.2 The command is not UTF-8""",
    ),
    _dialog(
        "SMTPUTF8",
        BARE,
        _HELLO
        + """
        C: MAIL FROM:<анна@bücher.example> SMTPUTF8 BODY=8BITMIME
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<борис@example.org>
        S: 250 2.1.5 Recipient OK
        C: VRFY борис SMTPUTF8
        S: 252 2.0.0 Send some mail, it will be tried""",
    ),
    _dialog(
        "extensions that are off",
        PLAIN_ONLY,
        """
        C: EHLO client.example
        S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-SIZE 1000
        S: 250-8BITMIME
        S: 250-ENHANCEDSTATUSCODES
        S: 250 DSN
        C: MAIL FROM:<анна@example.org> SMTPUTF8
        S: 555 5.5.4 Parameter not recognised
        C: MAIL FROM:<> BODY=BINARYMIME
        S: 501 5.5.4 Bad value of BODY, or given twice
        """
        + _ENVELOPE
        + """
        C: BDAT 6
        S: 500 5.5.1 Command not recognised
        C: QUIT
        C: DATA
        S: 354 End with a line of a single dot
        C: .
        S: 250 2.0.0 Accepted as q1""",
    ),
    # --- line ends, NUL, length
    # -----------------------------------------------------------------------------------------------------
    _dialog(
        "bare LF in a command",
        BARE,
        f"""
        C! b"NOOP\\nQUIT\\r\\n"
        {_BAD_END}
        C: NOOP
        S: 250 2.0.0 OK""",
    ),
    _dialog(
        "a client without CRLF",
        BARE,
        f"""
        C! b"EHLO x\\nQUIT\\n"
        {_BAD_END}
        {_BAD_END}""",
    ),
    _dialog(
        "bare CR in a command",
        BARE,
        f"""
        C! b"NOOP\\rQUIT\\r\\n"
        {_BAD_END}
        C! b"\\r\\r\\n"
        {_BAD_END}
        C: NOOP
        S: 250 2.0.0 OK""",
    ),
    _dialog(
        "LF CR is no line end",
        BARE,
        f"""
        C! b"NOOP\\n\\rNOOP\\r\\n"
        {_BAD_END}""",
    ),
    _dialog(
        "NUL in a command",
        BARE,
        """
        C! b"NO\\x00OP\\r\\n"
        S: 500 5.5.2 NUL in a command""",
    ),
    _dialog(
        "a command at the limit and over it",
        BARE,
        f"""
        C! b"NOOP " + b"x" * 2041 + b"\\r\\n"
        S: 250 2.0.0 OK
        C! b"NOOP " + b"x" * 2042 + b"\\r\\n"
        S: 500 5.5.2 Line too long
        C! b"x" * 30000 + b"\\r\\n"
        S: 500 5.5.2 Line too long
        C! b"x" * 2047 + b"\\r\\n"
        S: 500 5.5.2 Line too long
        C! b"x" * 3000 + b"\\nQUIT\\rQUIT\\r\\n"
        S: 500 5.5.2 Line too long
        {_BAD_END}
        C: NOOP
        S: 250 2.0.0 OK""",
    ),
    # --- smuggling
    # ----------------------------------------------------------------------------------------------------------------
    *[
        _dialog(
            f"smuggling with {end!r}",
            BARE,
            _HELLO
            + _START
            + f"""
        C! b"first\\r\\n" + {end!r} + {_SMUGGLED!r}
        {_REFUSED_BODY}""",
        )
        for end in (
            b"\n.\n",
            b"\r.\r",
            b"\r\n.\n",
            b"\n.\r\n",
            b"\r\n.\r",
            b"\r.\r\n",
            b"\n\n.\r\r\n",
            b"\r\n.\r\r\n",
            b"\r\n\x00.\n",
        )
    ],
    _dialog(
        "a NUL before the dot ends nothing",
        BARE,
        _HELLO
        + _START
        + """
        C! b"first\\r\\n\\x00.\\r\\nQUIT\\r\\n.\\r\\n"
        S: 250 2.0.0 Accepted as q1""",
    ),
    _dialog(
        "bare line ends made CRLF",
        NORMALISE,
        _HELLO
        + _START
        + """
        C! b"a\\nb\\rc\\r\\n.\\nd\\r\\r\\n\\n.\\r\\n.\\r\\n"
        S: 250 2.0.0 Accepted as q1""",
    ),
    _dialog(
        "bare line ends are binary's own",
        BARE,
        _HELLO
        + """
        C: MAIL FROM:<> BODY=BINARYMIME
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<ann@example.org>
        S: 250 2.1.5 Recipient OK
        C: DATA
        S: 503 5.5.1 BINARYMIME needs BDAT
        C! b"BDAT 8 LAST\\r\\na\\nb\\rc\\x00\\xff."
        S: 250 2.0.0 Accepted as q1""",
    ),
    # --- chunks
    # ----------------------------------------------------------------------------------------------------------------
    _dialog(
        "chunks",
        BARE,
        _HELLO
        + _ENVELOPE
        + """
        C! b"BDAT 7\\r\\nhello\\r\\n"
        S: 250 2.0.0 7 octets received
        C! b"bdat 5 last\\r\\n.\\r\\n.."
        S: 250 2.0.0 Accepted as q1
        C: NOOP
        S: 250 2.0.0 OK""",
    ),
    _dialog(
        "a CRLF cut by chunks",
        BARE,
        _HELLO
        + _ENVELOPE
        + """
        C! b"BDAT 2\\r\\na\\r"
        S: 250 2.0.0 2 octets received
        C! b"BDAT 2 LAST\\r\\n\\nb"
        S: 250 2.0.0 Accepted as q1""",
    ),
    _dialog(
        "a CR at the end of chunks",
        BARE,
        _HELLO
        + _ENVELOPE
        + """
        C! b"BDAT 2\\r\\na\\r"
        S: 250 2.0.0 2 octets received
        C! b"BDAT 0 LAST\\r\\n"
        S: 550 5.6.0 The message has a CR or LF that is not part of CRLF""",
    ),
    _dialog(
        "BDAT LAST of 0",
        BARE,
        _HELLO
        + _ENVELOPE
        + """
        C! b"BDAT 7\\r\\nhello\\r\\nBDAT 0\\r\\nBDAT 0 LAST\\r\\n"
        S: 250 2.0.0 7 octets received
        S: 250 2.0.0 0 octets received
        S: 250 2.0.0 Accepted as q1
        """
        + _ENVELOPE
        + """
        C: BDAT 0 LAST
        S: 250 2.0.0 Accepted as q2""",
    ),
    _dialog(
        "only BDAT between chunks",
        BARE,
        _HELLO
        + _ENVELOPE
        + """
        C! b"BDAT 3\\r\\nabc"
        S: 250 2.0.0 3 octets received
        C: DATA
        S: 503 5.5.1 Only BDAT or RSET between chunks
        C: RCPT TO:<b@example.org>
        S: 503 5.5.1 Only BDAT or RSET between chunks
        C: NOOP
        S: 250 2.0.0 OK
        C: RSET
        S: 250 2.0.0 Reset
        C: BDAT 5 LAST
        C! b"QUIT\\n"
        S: 503 5.5.1 Send MAIL first""",
    ),
    _dialog(
        "BDAT over the limit",
        BARE,
        _HELLO
        + _ENVELOPE
        + """
        C! b"BDAT 600\\r\\n" + b"QUIT\\r\\n" * 100
        S: 250 2.0.0 600 octets received
        C! b"BDAT 600\\r\\n" + b"QUIT\\r\\n" * 100
        S: 552 5.3.4 The message is larger than 1000 octets
        C! b"BDAT 6\\r\\nQUIT\\r\\n"
        S: 503 5.5.1 A chunk was refused, send RSET
        C: MAIL FROM:<>
        S: 503 5.5.1 A chunk was refused, send RSET
        C! b"BDAT 6 LAST\\r\\nQUIT\\r\\n"
        S: 503 5.5.1 A chunk was refused, send RSET
        """
        + _ENVELOPE,
    ),
    _dialog(
        "the last chunk over the limit",
        BARE,
        _HELLO
        + _ENVELOPE
        + """
        C! b"BDAT 1001 LAST\\r\\n" + b"x" * 1001
        S: 552 5.3.4 The message is larger than 1000 octets
        """
        + _ENVELOPE,
    ),
    _dialog(
        "BDAT where it does not belong",
        BARE,
        """
        C! b"BDAT 6 LAST\\r\\nQUIT\\r\\n"
        S: 503 5.5.1 Send EHLO first
        """
        + _HELLO
        + """
        C: MAIL FROM:<>
        S: 250 2.1.0 Sender OK
        C! b"BDAT 6 LAST\\r\\nQUIT\\r\\n"
        S: 554 5.5.1 No valid recipients
        C: RCPT TO:<ann@example.org>
        S: 250 2.1.5 Recipient OK
        C! b"BDAT 2 LAST\\r\\nok"
        S: 250 2.0.0 Accepted as q1""",
    ),
    _dialog(
        "BDAT refused by the shell",
        BARE,
        _HELLO
        + """
        C: MAIL FROM:<> ENVID=full
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<ann@example.org>
        S: 250 2.1.5 Recipient OK
        C! b"BDAT 6\\r\\nQUIT\\r\\nBDAT 6 LAST\\r\\nQUIT\\r\\n"
        S: 452 4.3.1 The system has no room now
        S: 503 5.5.1 A chunk was refused, send RSET
        """
        + _ENVELOPE,
    ),
    *[
        _dialog(
            f"malformed BDAT {arguments!r}",
            BARE,
            _HELLO
            + _ENVELOPE
            + f"""
        C: BDAT {arguments}
        S: 501 5.5.4 Syntax: BDAT size [LAST]
        C: NOOP
        CLOSED""",
        )
        for arguments in ("", "x", "-1", "1 FIRST", "1 LAST x", "9" * 19, "0x10", "1.5")
    ],
    # --- TLS and AUTH
    # ----------------------------------------------------------------------------------------------------------------
    _dialog(
        "STARTTLS",
        RELAY,
        _HELLO_CLEAR
        + """
        C: STARTTLS now
        S: 501 5.5.4 Syntax: STARTTLS
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        TLS
        C: MAIL FROM:<>
        S: 503 5.5.1 Send EHLO first
        """
        + _HELLO.replace("S: 250-DSN", "S: 250-DSN\n    S: 250-REQUIRETLS")
        + """
        C: MAIL FROM:<bob@sender.example> REQUIRETLS
        S: 250 2.1.0 Sender OK
        C: RSET
        S: 250 2.0.0 Reset
        C: STARTTLS
        S: 503 5.5.1 TLS is already active
        """
        + _ENVELOPE,
    ),
    _dialog(
        "parameters of extensions that are not offered",
        RELAY,
        _HELLO_CLEAR
        + """
        C: MAIL FROM:<bob@sender.example> REQUIRETLS
        S: 555 5.5.4 Parameter not recognised
        C: MAIL FROM:<bob@sender.example> HOLDFOR=60
        S: 555 5.5.4 Parameter not recognised
        C: MAIL FROM:<bob@sender.example> HOLDUNTIL=2027-01-01T00:00:00Z
        S: 555 5.5.4 Parameter not recognised""",
    ),
    _dialog(
        "FUTURERELEASE",
        config(future_release=FutureRelease(86400, "2027-01-01T00:00:00Z")),
        _HELLO.replace("S: 250-DSN", "S: 250-DSN\n    S: 250-FUTURERELEASE 86400 2027-01-01T00:00:00Z")
        + """
        C: MAIL FROM:<bob@sender.example> HOLDFOR=60 HOLDUNTIL=2027-01-01T00:00:00Z
        S: 501 5.5.4 Bad value of HOLDUNTIL, or given twice
        C: MAIL FROM:<bob@sender.example> HOLDFOR=60
        S: 250 2.1.0 Sender OK""",
    ),
    _dialog(
        "commands injected behind STARTTLS",
        RELAY,
        _HELLO_CLEAR
        + """
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        C: EHLO attacker.example
        C: MAIL FROM:<attacker@example.org>
        C! b"RCPT TO:<"
        TLS
        C: NOOP
        S: 250 2.0.0 OK
        C: RCPT TO:<ann@example.org>
        S: 503 5.5.1 Send EHLO first""",
    ),
    _dialog(
        "STARTTLS out of place",
        RELAY,
        """
        C: STARTTLS
        S: 503 5.5.1 Send EHLO first
        """
        + _HELLO_CLEAR
        + _ENVELOPE
        + """
        C: STARTTLS
        S: 503 5.5.1 Not during a mail transaction""",
    ),
    _dialog(
        "STARTTLS not offered",
        BARE,
        _HELLO
        + """
        C: STARTTLS
        S: 502 5.5.1 TLS is not offered
        C: AUTH PLAIN
        S: 502 5.5.1 Authentication is not offered here""",
    ),
    _dialog(
        "submission in the clear",
        SUBMISSION,
        _HELLO_CLEAR
        + """
        C: AUTH PLAIN AGFubgBzZWNyZXQ=
        S: 538 5.7.11 Encryption required: issue STARTTLS first
        C: MAIL FROM:<ann@example.org>
        S: 530 5.7.0 Must issue a STARTTLS command first
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        TLS
        """
        + _HELLO_TLS
        + """
        C: MAIL FROM:<ann@example.org>
        S: 530 5.7.0 Authentication required
        C: AUTH PLAIN AGFubgBzZWNyZXQ=
        S: 235 2.7.0 Authentication succeeded
        C: AUTH PLAIN AGFubgBzZWNyZXQ=
        S: 503 5.5.1 Already authenticated
        """
        + _ENVELOPE,
    ),
    _dialog(
        "AUTH in steps",
        SUBMISSIONS,
        _HELLO_TLS
        + """
        C: AUTH CRAM-MD5
        S: 504 5.5.4 Authentication mechanism not offered
        C: AUTH
        S: 501 5.5.4 Syntax: AUTH mechanism [initial-response]
        C! b"AUTH PLAIN\\r\\n"
        S! b"334 \\r\\n"
        C: AGFubgB3cm9uZw==
        S: 535 5.7.8 Authentication failed
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: *
        S: 501 5.7.0 Authentication cancelled
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: YW5u
        S: 334 UGFzc3dvcmQ6
        C: not base64
        S: 501 5.5.2 Malformed authentication response
        C: auth login YW5u
        S: 334 UGFzc3dvcmQ6
        C: c2VjcmV0
        S: 235 2.7.0 Authentication succeeded
        """
        + _ENVELOPE,
    ),
    _dialog(
        "long lines in AUTH",
        SUBMISSIONS,
        _HELLO_TLS
        + """
        C! b"AUTH PLAIN " + b"A" * 12275 + b"\\r\\n"
        S: 501 5.5.2 Malformed authentication response
        C! b"AUTH PLAIN " + b"A" * 12276 + b"\\r\\n"
        S: 500 5.5.2 Line too long
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C! b"A" * 12286 + b"\\r\\n"
        S: 501 5.5.2 Malformed authentication response
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C! b"A" * 12287 + b"\\r\\n"
        S: 500 5.5.6 Authentication line too long
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C! b"YW5u\\nQUIT\\r\\n"
        S: 501 5.5.2 Malformed authentication response
        C: NOOP
        S: 250 2.0.0 OK""",
    ),
    _dialog(
        "AUTH during a transaction",
        config(tls_active=True, mechanisms=("PLAIN", "LOGIN")),
        _HELLO_TLS
        + _ENVELOPE
        + """
        C: AUTH PLAIN AGFubgBzZWNyZXQ=
        S: 503 5.5.1 Not during a mail transaction""",
    ),
]
