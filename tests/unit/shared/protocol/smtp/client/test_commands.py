"""Command lines: what is written, what is refused, and that the server's parser reads the same values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.address.address import Address, parse_address
from shared.protocol.smtp.client.commands import (
    COMMAND_LINE_LIMIT,
    PARAMETERS_LIMIT,
    AuthResponse,
    ClientCommand,
    Lhlo,
    MailCommand,
    RcptCommand,
    UnsendableCommand,
    command_line,
)
from shared.protocol.smtp.commands import (
    Auth,
    Bdat,
    BodyType,
    Data,
    Ehlo,
    Helo,
    Mail,
    Notify,
    Orcpt,
    Quit,
    Rcpt,
    Ret,
    Rset,
    StartTls,
)
from shared.protocol.smtp.parse import parse_command

ANN = parse_address("ann@example.org")
UTF8 = Address("анна", "example.org")


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (Ehlo("mx.example.org"), b"EHLO mx.example.org"),
        (Ehlo("[IPv6:2001:db8::1]"), b"EHLO [IPv6:2001:db8::1]"),
        (Ehlo("bücher.example"), b"EHLO xn--bcher-kva.example"),
        (Helo("mx.example.org"), b"HELO mx.example.org"),
        (Lhlo("mx.example.org"), b"LHLO mx.example.org"),
        (MailCommand(Mail(None)), b"MAIL FROM:<>"),
        (
            MailCommand(Mail(ANN, 5, BodyType.EIGHT_BIT_MIME, False, Ret.FULL, "a b+=", "<>"), True),
            b"MAIL FROM:<ann@example.org> SIZE=5 BODY=8BITMIME RET=FULL ENVID=a+20b+2B+3D AUTH=<> REQUIRETLS",
        ),
        (MailCommand(Mail(UTF8, smtputf8=True)), "MAIL FROM:<анна@example.org> SMTPUTF8".encode()),
        (MailCommand(Mail(Address("a b", "example.org"))), b'MAIL FROM:<"a b"@example.org>'),
        (MailCommand(Mail(Address("", "example.org"))), b'MAIL FROM:<""@example.org>'),
        (RcptCommand(Rcpt(Address("a", "bücher.example"))), b"RCPT TO:<a@xn--bcher-kva.example>"),
        (RcptCommand(Rcpt(UTF8), True), "RCPT TO:<анна@example.org>".encode()),
        (
            RcptCommand(Rcpt(ANN, frozenset({Notify.DELAY, Notify.SUCCESS}), Orcpt("rfc822", "x+y@b.example"))),
            b"RCPT TO:<ann@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@b.example",
        ),
        (
            RcptCommand(Rcpt(ANN, frozenset({Notify.NEVER}), Orcpt("utf-8", "ж +\\@b.example"))),
            b"RCPT TO:<ann@example.org> NOTIFY=NEVER ORCPT=utf-8;\\x{436}\\x{20}\\x{2B}\\x{5C}@b.example",
        ),
        (Data(), b"DATA"),
        (Bdat(0, False), b"BDAT 0"),
        (Bdat(17, True), b"BDAT 17 LAST"),
        (Rset(), b"RSET"),
        (Quit(), b"QUIT"),
        (StartTls(), b"STARTTLS"),
        (Auth("LOGIN", None), b"AUTH LOGIN"),
        (Auth("PLAIN", b"="), b"AUTH PLAIN ="),
        (Auth("PLAIN", b"AGE="), b"AUTH PLAIN AGE="),
        (AuthResponse(b""), b""),
        (AuthResponse(b"\r\nQUIT\0"), b"DQpRVUlUAA=="),
    ],
)
def test_line(command: ClientCommand, line: bytes) -> None:
    assert command_line(command) == line + b"\r\n"


@pytest.mark.parametrize(
    "command",
    [
        Ehlo(""),
        Ehlo("mx.example.org\r\nRSET"),
        Ehlo("a b"),
        Ehlo("[10.0.0.1"),
        Ehlo("-"),
        Ehlo("a" * 600),
        MailCommand(Mail(Address("x>\r\nRCPT TO:<y", "example.org"))),
        MailCommand(Mail(Address("x\0", "example.org"))),
        MailCommand(Mail(Address("x", ""))),
        MailCommand(Mail(Address("x", "example.org> SIZE=1"))),
        MailCommand(Mail(Address("x", "example.org\r\nDATA"))),
        MailCommand(Mail(Address("x", "example.org\n"))),
        MailCommand(Mail(UTF8)),
        MailCommand(Mail(ANN, size=-1)),
        MailCommand(Mail(ANN, size=10**20)),
        MailCommand(Mail(ANN, envid="")),
        MailCommand(Mail(ANN, envid="a\r\nDATA")),
        MailCommand(Mail(ANN, envid="ä")),
        MailCommand(Mail(ANN, envid="x" * 101)),
        MailCommand(Mail(ANN, envid="+" * 34)),
        MailCommand(Mail(ANN, auth="a@b.example\r\nDATA")),
        MailCommand(Mail(ANN, auth="x" * 501)),
        RcptCommand(Rcpt(UTF8)),
        RcptCommand(Rcpt(Address("x\x7f", "example.org"))),
        RcptCommand(Rcpt(Address("x\u2028", "example.org")), True),
        RcptCommand(Rcpt(Address("x\ud800", "example.org")), True),
        RcptCommand(Rcpt(ANN, frozenset())),
        RcptCommand(Rcpt(ANN, frozenset({Notify.NEVER, Notify.DELAY}))),
        RcptCommand(Rcpt(ANN, None, Orcpt("rfc822", ""))),
        RcptCommand(Rcpt(ANN, None, Orcpt("rfc 822", "x"))),
        RcptCommand(Rcpt(ANN, None, Orcpt("rfc822;x\r\nDATA", "x"))),
        RcptCommand(Rcpt(ANN, None, Orcpt("rfc822", "x\r\nDATA"))),
        RcptCommand(Rcpt(ANN, None, Orcpt("rfc822", "ж"))),
        RcptCommand(Rcpt(ANN, None, Orcpt("utf-8", "x\r\nDATA"))),
        RcptCommand(Rcpt(ANN, None, Orcpt("utf-8", "ж\x85"))),
        RcptCommand(Rcpt(ANN, None, Orcpt("rfc822", "x" * 494))),
        RcptCommand(Rcpt(Address("x" * 320, ".".join(["d" * 63] * 3) + ".example"))),
        Bdat(-1, True),
        Auth("PLAIN\r\nQUIT", None),
        Auth("", None),
        Auth("plain", None),
        Auth("PLAIN", b""),
        Auth("PLAIN", b"AA"),
        Auth("PLAIN", b"AGE=\r\nQUIT"),
        Auth("PLAIN", b"A" * 512),
        AuthResponse(b"x" * 9216),
    ],
    ids=lambda command: repr(command)[:60],
)
def test_refused(command: ClientCommand) -> None:
    with pytest.raises(UnsendableCommand) as error:
        command_line(command)
    assert error.value.reason.isprintable()


def test_the_longest_lines() -> None:
    """RFC 5321 §4.5.3.1.4, and as much more as the parameters have."""
    path = Address("x" * 320, ".".join(["d" * 60] * 2) + "." + "d" * 47 + ".example")
    size, body = 10**20 - 1, BodyType.BINARY_MIME
    longest = Mail(path, size, body, True, Ret.FULL, "e" * 100, "a" * 500)
    mail, rcpt = command_line(MailCommand(longest, True)), Rcpt(path)
    full = Rcpt(path, frozenset({*Notify} - {Notify.NEVER}), Orcpt("rfc822", "o" * 493))
    bare = len(b"MAIL FROM:<>\r\n") + len(str(path))
    assert (bare, len(mail) - bare) == (512, 684)
    assert len(command_line(RcptCommand(rcpt))) == 510
    assert len(command_line(RcptCommand(full))) == 510 + 536 < COMMAND_LINE_LIMIT + PARAMETERS_LIMIT
    assert len(command_line(AuthResponse(b"x" * 9213))) == 12286
    too_long = Address("x" * 320, "dd" + path.domain)
    for command in (MailCommand(Mail(too_long)), RcptCommand(Rcpt(Address("é" * 160, "ddd" + path.domain)), True)):
        with pytest.raises(UnsendableCommand, match="too long"):
            command_line(command)


def test_secrets_are_not_shown() -> None:
    assert repr(AuthResponse(b"secret")) == "AuthResponse(***)"


_TEXT = st.text(max_size=20) | st.sampled_from(["a@b.example", "x\r\ny", "+", "=", "a b", '"', "<>"])


@given(_TEXT, _TEXT, _TEXT, _TEXT, st.booleans())
def test_mail_is_refused_or_read_as_it_was_meant(local: str, domain: str, envid: str, auth: str, utf8: bool) -> None:
    mail = Mail(Address(local, domain or "example.org"), 1, None, utf8, None, envid, auth)
    try:
        line = command_line(MailCommand(mail))
    except UnsendableCommand:
        return
    assert line.endswith(b"\r\n")
    parsed = parse_command(line[:-2], "example.org")
    assert isinstance(parsed, Mail)
    assert parsed.reverse_path is not None
    assert (parsed.reverse_path.localpart, parsed.envid, parsed.auth) == (local, envid, auth)


@given(_TEXT, st.frozensets(st.sampled_from(Notify)), st.sampled_from(["rfc822", "utf-8", "x y"]), _TEXT, st.booleans())
def test_rcpt_is_refused_or_read_as_it_was_meant(
    local: str, notify: frozenset[Notify], kind: str, orcpt: str, utf8: bool
) -> None:
    rcpt = Rcpt(Address(local, "example.org"), notify, Orcpt(kind, orcpt))
    try:
        line = command_line(RcptCommand(rcpt, utf8))
    except UnsendableCommand:
        return
    assert parse_command(line[:-2], "example.org") == rcpt
