"""Every command, good and bad."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.address.address import Address
from shared.protocol.smtp.commands import (
    Auth,
    Bdat,
    BodyType,
    Command,
    CommandError,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    HoldFor,
    HoldUntil,
    Mail,
    Noop,
    Notify,
    Orcpt,
    Quit,
    Rcpt,
    Ret,
    Rset,
    StartTls,
    Vrfy,
)
from shared.protocol.smtp.parse import parse_command

_HOST = "mx.example.org"
BOB = Address("bob", "sender.example")
ANN = Address("ann", "example.org")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("HELO client.example", Helo("client.example")),
        ("helo my_pc", Helo("my_pc")),
        ("EHLO [192.0.2.1]", Ehlo("[192.0.2.1]")),
        ("EhLo  x ", Ehlo("x")),
        ("MAIL FROM:<>", Mail(None)),
        ("MAIL FROM:<bob@sender.example>", Mail(BOB)),
        ("mail from: <bob@SENDER.example> ", Mail(BOB)),
        ("MAIL FROM:<@a.example,@b.example:bob@sender.example>", Mail(BOB)),
        ('MAIL FROM:<"a>b c"@sender.example>', Mail(Address("a>b c", "sender.example"))),
        ("MAIL FROM:<bob@[IPv6:2001:db8::1]>", Mail(Address("bob", "[IPv6:2001:db8::1]"))),
        ("MAIL FROM:<bob@sender.example> SIZE=1000 BODY=8BITMIME", Mail(BOB, size=1000, body=BodyType.EIGHT_BIT_MIME)),
        ("MAIL FROM:<bob@sender.example> body=7bit  smtputf8", Mail(BOB, body=BodyType.SEVEN_BIT, smtputf8=True)),
        ("MAIL FROM:<бob@bücher.example> SMTPUTF8", Mail(Address("бob", "xn--bcher-kva.example"), smtputf8=True)),
        ("MAIL FROM:<> RET=HDRS ENVID=QQ+2B314", Mail(None, ret=Ret.HEADERS, envid="QQ+314")),
        ("MAIL FROM:<> AUTH=<>", Mail(None, auth="<>")),
        ("MAIL FROM:<> AUTH=e+3Dmc2@example.com", Mail(None, auth="e=mc2@example.com")),
        ("MAIL FROM:<> HOLDFOR=60", Mail(None, hold=HoldFor(60))),
        ("MAIL FROM:<> holdfor=999999999", Mail(None, hold=HoldFor(999_999_999))),
        ("MAIL FROM:<> HOLDUNTIL=1970-01-01T00:00:01Z", Mail(None, hold=HoldUntil(1_000_000))),
        ("MAIL FROM:<> HOLDUNTIL=1970-01-01t01:00:01.999999999+01:00", Mail(None, hold=HoldUntil(1_000_000))),
        ("MAIL FROM:<> HOLDUNTIL=2016-12-31T23:59:60Z", Mail(None, hold=HoldUntil(1_483_228_800_000_000))),
        ("MAIL FROM:<> HOLDUNTIL=0001-01-01T00:00:00+23:59", Mail(None, hold=HoldUntil(-62_135_683_140_000_000))),
        ("MAIL FROM:<> HOLDUNTIL=9999-12-31T23:59:59-23:59", Mail(None, hold=HoldUntil(253_402_387_139_000_000))),
        ("MAIL FROM:<> REQUIRETLS", Mail(None, require_tls=True)),
        ("MAIL FROM:<> BODY=BINARYMIME RET=FULL", Mail(None, body=BodyType.BINARY_MIME, ret=Ret.FULL)),
        ("RCPT TO:<ann@example.org>", Rcpt(ANN)),
        ("RCPT TO:<Postmaster>", Rcpt(Address("Postmaster", _HOST))),
        ("RCPT TO:<postmaster@example.org>", Rcpt(Address("postmaster", "example.org"))),
        ("RCPT TO:<ann@example.org> NOTIFY=NEVER", Rcpt(ANN, notify=frozenset({Notify.NEVER}))),
        ("RCPT TO:<ann@example.org> NOTIFY=success,DELAY", Rcpt(ANN, notify=frozenset({Notify.SUCCESS, Notify.DELAY}))),
        (
            "RCPT TO:<ann@example.org> ORCPT=rfc822;a+2Bb@example.com",
            Rcpt(ANN, orcpt=Orcpt("rfc822", "a+b@example.com")),
        ),
        (
            "RCPT TO:<ann@example.org> ORCPT=utf-8;\\x{44f}@example.com",
            Rcpt(ANN, orcpt=Orcpt("utf-8", "я@example.com")),
        ),
        ("RCPT TO:<ann@example.org> ORCPT=UTF-8;я@example.com", Rcpt(ANN, orcpt=Orcpt("utf-8", "я@example.com"))),
        ("DATA", Data()),
        ("data ", Data()),
        ("BDAT 1000", Bdat(1000, False)),
        ("BDAT 0 LAST", Bdat(0, True)),
        ("RSET", Rset()),
        ("NOOP", Noop()),
        ("NOOP anything at all", Noop()),
        ("VRFY ann lee", Vrfy("ann lee")),
        ("VRFY аня SMTPUTF8", Vrfy("аня", True)),
        ("EXPN staff", Expn("staff")),
        ("HELP", Help()),
        ("HELP MAIL", Help()),
        ("QUIT", Quit()),
        ("STARTTLS", StartTls()),
        ("AUTH PLAIN", Auth("PLAIN", None)),
        ("AUTH plain =", Auth("PLAIN", b"=")),
        ("AUTH SCRAM-SHA-256 biws", Auth("SCRAM-SHA-256", b"biws")),
    ],
)
def test_good(line: str, command: Command) -> None:
    assert parse_command(line.encode(), _HOST) == command


@pytest.mark.parametrize(
    ("line", "code", "enhanced"),
    [
        ("", 500, "5.5.1"),
        (" NOOP", 500, "5.5.1"),
        ("FOO", 500, "5.5.1"),
        ("MAILFROM:<a@b.c>", 500, "5.5.1"),
        ("NOOP\tx", 500, "5.5.1"),
        ("R\u017fET", 500, "5.5.1"),  # upper() of the long s is S
        ("HELO", 501, "5.5.4"),
        ("EHLO", 501, "5.5.4"),
        ("EHLO a b", 501, "5.5.4"),
        ("EHLO " + "a" * 256, 501, "5.5.4"),
        ("EHLO bücher.example", 500, "5.5.2"),
        ("MAIL", 501, "5.5.4"),
        ("MAIL FROM", 501, "5.5.4"),
        ("MAIL FROM:", 501, "5.5.4"),
        ("MAIL FROM:bob@sender.example", 501, "5.5.4"),
        ("MAIL FROM:<bob@sender.example", 501, "5.5.4"),
        ("MAIL FROM:<bob@sender.example>SIZE=1", 501, "5.5.4"),
        ("MAIL FROM:<<bob@sender.example>>", 501, "5.5.4"),
        ("MAIL TO:<bob@sender.example>", 501, "5.5.4"),
        ("MAIL FROM:<bob>", 501, "5.1.7"),
        ("MAIL FROM:<bob@>", 501, "5.1.7"),
        ("MAIL FROM:< >", 501, "5.1.7"),
        ("MAIL FROM:<bob@sender.example > SIZE=1", 501, "5.1.7"),
        ("MAIL FROM:<@a.example:>", 501, "5.1.7"),
        ("MAIL FROM:<@a.example bob@sender.example>", 501, "5.1.7"),
        ("MAIL FROM:<бob@sender.example>", 553, "5.6.7"),
        ("MAIL FROM:<bob@bücher.example>", 553, "5.6.7"),
        ("MAIL FROM:<> FOO=BAR", 555, "5.5.4"),
        ("MAIL FROM:<> NOTIFY=NEVER", 555, "5.5.4"),
        ("MAIL FROM:<> \u017fIZE=1 SMTPUTF8", 555, "5.5.4"),
        ("MAIL FROM:<> SIZE", 501, "5.5.4"),
        ("MAIL FROM:<> SIZE=", 501, "5.5.4"),
        ("MAIL FROM:<> SIZE=-1", 501, "5.5.4"),
        ("MAIL FROM:<> SIZE=1e3", 501, "5.5.4"),
        ("MAIL FROM:<> SIZE=" + "9" * 21, 501, "5.5.4"),
        ("MAIL FROM:<> SIZE=\u0661 SMTPUTF8", 501, "5.5.4"),
        ("MAIL FROM:<> SIZE=1 SIZE=1", 501, "5.5.4"),
        ("MAIL FROM:<> BODY=9BIT", 501, "5.5.4"),
        ("MAIL FROM:<> BODY", 501, "5.5.4"),
        ("MAIL FROM:<> SMTPUTF8=1", 501, "5.5.4"),
        ("MAIL FROM:<> RET=ALL", 501, "5.5.4"),
        ("MAIL FROM:<> ENVID=", 501, "5.5.4"),
        ("MAIL FROM:<> ENVID=a+0D+0Ab", 501, "5.5.4"),
        ("MAIL FROM:<> ENVID=a+2", 501, "5.5.4"),
        ("MAIL FROM:<> ENVID=a=b", 501, "5.5.4"),
        ("MAIL FROM:<> ENVID=" + "a" * 101, 501, "5.5.4"),
        ("MAIL FROM:<> AUTH=", 501, "5.5.4"),
        ("MAIL FROM:<> REQUIRETLS=yes", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDFOR", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDFOR=0", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDFOR=-1", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDFOR=1000000000", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDFOR=60 HOLDFOR=60", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDFOR=60 HOLDUNTIL=2027-01-01T00:00:00Z", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDUNTIL=", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDUNTIL=tomorrow", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDUNTIL=2027-01-01", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDUNTIL=2027-01-01T00:00:00", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDUNTIL=2027-02-29T00:00:00Z", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDUNTIL=2027-01-01T24:00:00Z", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDUNTIL=2027-01-01T00:00:61Z", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDUNTIL=2027-01-01T00:00:00+24:00", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDUNTIL=0000-01-01T00:00:00Z", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDUNTIL=99999-01-01T00:00:00Z", 501, "5.5.4"),
        ("MAIL FROM:<> HOLDUNTIL=2027-01-01T00:00:00." + "0" * 10 + "Z", 501, "5.5.4"),
        ("RCPT", 501, "5.5.4"),
        ("RCPT TO:<>", 501, "5.1.3"),
        ("RCPT TO:<ann>", 501, "5.1.3"),
        ("RCPT TO:<ann@exa mple.org>", 501, "5.1.3"),
        ("RCPT TO:<ann@192.0.2.1>", 501, "5.1.3"),
        ("RCPT TO:<ann@example.org> SIZE=1", 555, "5.5.4"),
        ("RCPT TO:<ann@example.org> NOTIFY=", 501, "5.5.4"),
        ("RCPT TO:<ann@example.org> NOTIFY=NEVER,DELAY", 501, "5.5.4"),
        ("RCPT TO:<ann@example.org> NOTIFY=SUCCESS,", 501, "5.5.4"),
        ("RCPT TO:<ann@example.org> ORCPT=ann@example.org", 501, "5.5.4"),
        ("RCPT TO:<ann@example.org> ORCPT=rfc822;", 501, "5.5.4"),
        ("RCPT TO:<ann@example.org> ORCPT=;ann", 501, "5.5.4"),
        ("RCPT TO:<ann@example.org> ORCPT=rfc822;+0Aann", 501, "5.5.4"),
        ("RCPT TO:<ann@example.org> ORCPT=utf-8;\\x{0a}", 501, "5.5.4"),
        ("RCPT TO:<ann@example.org> ORCPT=utf-8;\\x{110000}", 501, "5.5.4"),
        ("RCPT TO:<ann@example.org> ORCPT=utf-8;\\x{d800}", 501, "5.5.4"),
        ("RCPT TO:<ann@example.org> ORCPT=rfc822;" + "a" * 500, 501, "5.5.4"),
        ("DATA now", 501, "5.5.4"),
        ("RSET now", 501, "5.5.4"),
        ("QUIT now", 501, "5.5.4"),
        ("STARTTLS now", 501, "5.5.4"),
        ("NOOP ä", 500, "5.5.2"),
        ("VRFY", 501, "5.5.4"),
        ("VRFY ä", 553, "5.6.7"),
        ("EXPN", 501, "5.5.4"),
        ("AUTH", 501, "5.5.4"),
        ("AUTH PLAIN a b", 501, "5.5.4"),
        ("AUTH PL*IN", 501, "5.5.4"),
        ("AUTH PLAIN ä", 500, "5.5.2"),
    ],
)
def test_bad(line: str, code: int, enhanced: str) -> None:
    with pytest.raises(CommandError) as refused:
        parse_command(line.encode(), _HOST)
    assert (refused.value.reply.code, refused.value.reply.enhanced, refused.value.closes) == (code, enhanced, False)


@pytest.mark.parametrize("line", [b"BDAT", b"BDAT x", b"BDAT 5 FIRST", b"GET / HTTP/1.1", b"post /", b"CONNECT mx:25"])
def test_what_ends_the_session(line: bytes) -> None:
    with pytest.raises(CommandError) as refused:
        parse_command(line, _HOST)
    assert refused.value.closes


def test_secrets_are_not_shown() -> None:
    assert "c2VjcmV0" not in repr(parse_command(b"AUTH LOGIN c2VjcmV0", _HOST))


_PIECES = [
    "MAIL FROM:<",
    "RCPT TO:<",
    "a@b.example",
    ">",
    "@",
    ":",
    '"',
    "\\",
    " ",
    "SIZE=",
    "ORCPT=utf-8;",
    "\\x{",
    "}",
    "+4",
    "ä",
    "=",
    "BDAT ",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=20).map("".join).map(str.encode) | st.binary(max_size=60))
def test_any_line_is_a_command_or_a_reply(line: bytes) -> None:
    try:
        parse_command(line, _HOST)
    except CommandError as error:
        assert not error.reply.is_positive


@pytest.mark.parametrize("piece", ['"', '"\\', "\\x{41}", "<", "@a", "a.", '""', '"a"'])
def test_no_line_takes_long(piece: str) -> None:
    for form in ("MAIL FROM:<{}>", "MAIL FROM:<{}", "RCPT TO:<a@b.example> ORCPT=utf-8;{}", "VRFY {}"):
        with pytest.raises(CommandError) if not form.startswith("VRFY") else _nothing():
            parse_command(form.format(piece * (2000 // len(piece))).encode(), _HOST)


class _nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
