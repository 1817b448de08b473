"""Each command: its parsed value, and what is refused."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from shared.protocol.imap import commands as c
from shared.protocol.imap.append_pieces import AppendPlace, AppendText, LiteralPart, MessageEnd, MessageStart, UrlPart
from shared.protocol.imap.entry_name import Depth
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.parse.command import parse_append, parse_append_text, parse_command
from shared.protocol.imap.parse.session import ends_idle, sasl_response
from shared.protocol.imap.replace_command import Replace
from shared.protocol.imap.sequence import SAVED_RESULT, STAR, SequenceSet

A = b"a"
FIRST = SequenceSet(((1, 1),))

GOOD = {
    b"a CAPABILITY": c.Capability(A),
    b"a noop": c.Noop(A),
    b"a LogOut": c.Logout(A),
    b"a STARTTLS": c.StartTls(A),
    b"a NAMESPACE": c.Namespace(A),
    b"a IDLE": c.Idle(A),
    b"a CHECK": c.Check(A),
    b"a CLOSE": c.Close(A),
    b"a UNSELECT": c.Unselect(A),
    b"a EXPUNGE": c.Expunge(A),
    b"a UID EXPUNGE 3:5": c.Expunge(A, SequenceSet(((3, 5),))),
    b"a ID NIL": c.Id(A),
    b"a ID nil": c.Id(A),
    b"a ID ()": c.Id(A),
    b'a ID ("name" "x" "os" NIL)': c.Id(A, (("name", "x"), ("os", None))),
    b"a LOGIN ann secret": c.Login(A, "ann", "secret"),
    b'a LOGIN "ann@example.org" "a \\"b\\\\ c"': c.Login(A, "ann@example.org", 'a "b\\ c'),
    b"a LOGIN {3}\r\nann {5+}\r\np\r\nw ": c.Login(A, "ann", "p\r\nw "),
    b'a LOGIN "" {0}\r\n': c.Login(A, "", ""),
    'a LOGIN "jürgen" {6}\r\n€€'.encode(): c.Login(A, "jürgen", "€€"),
    b"a LOGIN a]b c": c.Login(A, "a]b", "c"),
    b"a AUTHENTICATE plain": c.Authenticate(A, "PLAIN"),
    b"a AUTHENTICATE PLAIN AGEAYg==": c.Authenticate(A, "PLAIN", b"\0a\0b"),
    b"a AUTHENTICATE EXTERNAL =": c.Authenticate(A, "EXTERNAL", b""),
    b"a ENABLE condstore QRESYNC condstore": c.Enable(A, ("CONDSTORE", "QRESYNC")),
    b"a SELECT inbox": c.Select(A, "INBOX"),
    b"a EXAMINE {5+}\r\nINBOX": c.Select(A, "INBOX", read_only=True),
    b'a SELECT "Entw&APw-rfe" (CONDSTORE)': c.Select(A, "Entwürfe", condstore=True),
    b"a SELECT x (QRESYNC (67890007 20050715194045000))": c.Select(
        A, "x", qresync=c.Qresync(67890007, 20050715194045000)
    ),
    b"a SELECT x (QRESYNC (6 9 41,43:211) CONDSTORE)": c.Select(
        A, "x", condstore=True, qresync=c.Qresync(6, 9, SequenceSet(((41, 41), (43, 211))))
    ),
    b"a SELECT x (QRESYNC (6 9 1:9 (1,3 2,6)))": c.Select(
        A,
        "x",
        qresync=c.Qresync(6, 9, SequenceSet(((1, 9),)), (SequenceSet(((1, 1), (3, 3))), SequenceSet(((2, 2), (6, 6))))),
    ),
    b"a SELECT x (QRESYNC (6 9 (1 2)))": c.Select(
        A, "x", qresync=c.Qresync(6, 9, None, (FIRST, SequenceSet(((2, 2),))))
    ),
    b"a CREATE a/b/": c.Create(A, "a/b"),
    b"a CREATE x (USE (\\drafts \\Sent))": c.Create(A, "x", ("\\Drafts", "\\Sent")),
    b"a CREATE x (USE ())": c.Create(A, "x"),
    b"a DELETE x": c.Delete(A, "x"),
    b"a RENAME Inbox inBOX/old": c.Rename(A, "INBOX", "INBOX/old"),
    b"a SUBSCRIBE x": c.Subscribe(A, "x"),
    b"a UNSUBSCRIBE x": c.Unsubscribe(A, "x"),
    b'a LSUB "" *': c.Lsub(A, "", "*"),
    b'a LSUB "" &%': c.Lsub(A, "", None),
    b'a LIST "" &AAA': c.List(A, "", ()),
    b'a LIST "" (&% x)': c.List(A, "", ("x",), extended=True),
    b"a CREATE #news": c.Create(A, "#news"),
    b'a CREATE " *% "': c.Create(A, " *% "),
    b'a LIST "" *': c.List(A, "", ("*",)),
    b'a LIST "" ""': c.List(A, "", ("",)),
    b"a LIST ~/Mail/ %": c.List(A, "~/Mail/", ("%",)),
    b'a LIST "" "inbox"': c.List(A, "", ("INBOX",)),
    b'a LIST () "" *': c.List(A, "", ("*",), extended=True),
    b'a LIST "" (a% b "c d" a%)': c.List(A, "", ("a%", "b", "c d"), extended=True),
    b'a LIST (subscribed RECURSIVEMATCH) "" * RETURN (CHILDREN)': c.List(
        A,
        "",
        ("*",),
        frozenset({c.ListSelection.SUBSCRIBED, c.ListSelection.RECURSIVEMATCH}),
        frozenset({c.ListReturn.CHILDREN}),
        extended=True,
    ),
    b'a LIST (SPECIAL-USE REMOTE) "" % RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UNSEEN))': c.List(
        A,
        "",
        ("%",),
        frozenset({c.ListSelection.SPECIAL_USE, c.ListSelection.REMOTE}),
        frozenset({c.ListReturn.SUBSCRIBED, c.ListReturn.SPECIAL_USE}),
        (c.StatusItem.MESSAGES, c.StatusItem.UNSEEN),
        extended=True,
    ),
    b'a LIST "" % RETURN ()': c.List(A, "", ("%",), extended=True),
    b"a STATUS x (MESSAGES recent UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ SIZE DELETED DELETED-STORAGE MAILBOXID"
    b" APPENDLIMIT)": c.Status(A, "x", tuple(c.StatusItem)),
    b"a STATUS x (SIZE SIZE)": c.Status(A, "x", (c.StatusItem.SIZE,)),
    b"a GETQUOTA {0}\r\n": c.GetQuota(A, ""),
    b'a GETQUOTA ""': c.GetQuota(A, ""),
    b"a GETQUOTAROOT inbox": c.GetQuotaRoot(A, "INBOX"),
    b"a GETMETADATA inbox /shared/Comment": c.GetMetadata(A, "INBOX", ("/shared/comment",)),
    b'a GETMETADATA "" (/shared /private/x)': c.GetMetadata(A, "", ("/shared", "/private/x")),
    b'a GETMETADATA (MAXSIZE 0 DEPTH infinity) x "/private"': c.GetMetadata(A, "x", ("/private",), Depth.ALL, 0),
    b"a GETMETADATA x (DEPTH 1) (/private/a /private/A)": c.GetMetadata(A, "x", ("/private/a",), Depth.CHILDREN),
    b'a SETMETADATA x (/private/a NIL /shared/b "c" /shared/d ~{3}\r\n\0\xffe)': c.SetMetadata(
        A, "x", (("/private/a", None), ("/shared/b", b"c"), ("/shared/d", b"\0\xffe"))
    ),
    b'a SETMETADATA "" (/private/a {0}\r\n)': c.SetMetadata(A, "", (("/private/a", b""),)),
    b"a STORE 1 FLAGS ()": c.Store(A, FIRST, c.StoreMode.REPLACE, ()),
    b"a STORE 1 +flags.silent (\\seen $forwarded Work)": c.Store(
        A, FIRST, c.StoreMode.ADD, ("\\Seen", "$Forwarded", "Work"), silent=True
    ),
    b"a UID STORE $ -FLAGS \\Deleted \\DELETED x": c.Store(
        A, SAVED_RESULT, c.StoreMode.REMOVE, ("\\Deleted", "x"), uid=True
    ),
    b"a STORE 1 (UNCHANGEDSINCE 0) FLAGS x": c.Store(A, FIRST, c.StoreMode.REPLACE, ("x",), unchanged_since=0),
    b"a COPY 1:* x": c.Copy(A, SequenceSet(((1, STAR),)), "x"),
    b"a UID COPY *:1,5 x": c.Copy(A, SequenceSet(((STAR, 1), (5, 5))), "x", uid=True),
    b"a MOVE 1 x": c.Move(A, FIRST, "x"),
    b"a UID MOVE 1 x": c.Move(A, FIRST, "x", uid=True),
}


@pytest.mark.parametrize("data", GOOD, ids=lambda data: data.decode("latin-1"))
def test_reads_as(data: bytes) -> None:
    assert parse_command(data) == GOOD[data]


BAD = [
    b"a GETMETADATA",
    b"a GETMETADATA x",
    b"a GETMETADATA x ()",
    b"a GETMETADATA x comment",
    b"a GETMETADATA x /shared/",
    b"a GETMETADATA x /shared//a",
    b'a GETMETADATA x "/shared/*"',
    b"a GETMETADATA x /shared/%",
    b"a GETMETADATA x {9}\r\n/shared/\x19",
    b"a GETMETADATA x {9}\r\n/shared/\xe9",
    b"a GETMETADATA x /private" + b"/a" * 20,
    b"a GETMETADATA x /private/" + b"a" * 500,
    b"a GETMETADATA (DEPTH 2) x /shared/a",
    b"a GETMETADATA (DEPTH 1 DEPTH 1) x /shared/a",
    b"a GETMETADATA (SIZE 1) x /shared/a",
    b"a GETMETADATA (DEPTH 1) x (DEPTH 1) /shared/a",
    b"a SETMETADATA x",
    b"a SETMETADATA x (/private/a)",
    b"a SETMETADATA x (/private NIL)",
    b"a SETMETADATA x /private/a NIL",
    b"a SETMETADATA x (/private/a atom)",
    b"a SETMETADATA x (/private/a ~{9}\r\nab)",
    b"a",
    b"a ",
    b"a  NOOP",
    b"a NOOP ",
    b"a NOOP x",
    b"a NOPE",
    b"a UID",
    b"a UID NOOP",
    b"a UID EXPUNGE",
    b"a UIDFETCH 1 FLAGS",
    b"a NOOP\r",
    b"a ID",
    b"a ID x",
    b'a ID "x"',
    b'a ID ("x")',
    b'a ID ("x" y)',
    b'a ID ("x" "y"',
    b'a ID (NIL "y")',
    b"a ID (" + b'"x" "y" ' * 31 + b")",
    b'a ID ("' + b"x" * 31 + b'" NIL)',
    b'a ID ("x" "' + b"y" * 1025 + b'")',
    b"a LOGIN",
    b"a LOGIN x",
    b"a LOGIN x y z",
    b"a LOGIN x  y",
    b'a LOGIN "x',
    b'a LOGIN "x" "y\\z"',
    b'a LOGIN "x\0" y',
    b"a LOGIN x {5}\r\nab",
    b"a LOGIN x {2}\r\na\0",
    b"a LOGIN x \xff",
    b'a LOGIN x "\xff"',
    b"a LOGIN x {1}\r\n\xff",
    b"a LOGIN x ~{1}\r\nz",
    b"a LOGIN (x) y",
    b"a AUTHENTICATE",
    b"a AUTHENTICATE PLAIN !",
    b"a AUTHENTICATE PLAIN A",
    b"a AUTHENTICATE PLAIN AA==AA==",
    b"a AUTHENTICATE PLAIN ",
    b"a AUTHENTICATE PLAIN AA== x",
    b"a ENABLE",
    b"a ENABLE ",
    b"a ENABLE X ",
    b"a ENABLE (X)",
    b"a SELECT",
    b"a SELECT x y",
    b"a SELECT x ()",
    b"a SELECT x (NOPE)",
    b"a SELECT x (QRESYNC)",
    b"a SELECT x (QRESYNC (0 1))",
    b"a SELECT x (QRESYNC (1 0))",
    b"a SELECT x (QRESYNC (1 1 *))",
    b"a SELECT x (QRESYNC (1 1 1:*))",
    b"a SELECT x (QRESYNC (1 1) QRESYNC (1 1))",
    b"a SELECT x (QRESYNC (1 1 1 (1)))",
    b"a SELECT x (CONDSTORE",
    b"a SELECT x (QRESYNC (4294967296 1))",
    b"a SELECT x (QRESYNC (1 9223372036854775808))",
    b"a CREATE",
    b"a CREATE x (NOPE)",
    b"a CREATE x (USE)",
    b"a CREATE x (USE (Sent))",
    b"a CREATE x (USE (\\Sent)",
    b"a DELETE",
    b"a RENAME x",
    b"a SUBSCRIBE",
    b"a UNSUBSCRIBE",
    b"a LIST",
    b'a LIST ""',
    b'a LIST "" ()',
    b'a LIST (NOPE) "" *',
    b'a LIST (RECURSIVEMATCH) "" *',
    b'a LIST (RECURSIVEMATCH REMOTE) "" *',
    b'a LIST "" * RETURN',
    b'a LIST "" * RETURN (NOPE)',
    b'a LIST "" * RETURN (STATUS)',
    b'a LIST "" * RETURN (STATUS ())',
    b'a LIST "" * NOPE ()',
    b'a LIST "" (x' + b" y" * 101 + b")",
    b'a LIST ( SUBSCRIBED) "" *',
    b'a LSUB "" (x y)',
    b'a LSUB ""',
    b"a STATUS x",
    b"a STATUS x ()",
    b"a STATUS x MESSAGES",
    b"a STATUS x (NOPE)",
    b"a STATUS x (SIZE",
    b"a STATUS x (SIZE )",
    b"a GETQUOTA",
    b"a GETQUOTAROOT",
    b"a STORE 1 FLAGS",
    b"a STORE 1 FLAGS (",
    b"a STORE 1 FLAG (x)",
    b"a STORE 0 FLAGS (x)",
    b"a STORE 1 FLAGS (\\Recent)",
    b"a STORE 1 FLAGS (\\Nope)",
    b"a STORE 1 FLAGS (\\*)",
    b"a STORE 1 FLAGS (a]b)",
    b"a STORE 1 FLAGS (\xe4)",
    b"a STORE 1 *FLAGS (x)",
    b"a STORE 1 (NOPE 1) FLAGS (x)",
    b"a STORE 1 (UNCHANGEDSINCE) FLAGS x",
    b"a STORE 1 (UNCHANGEDSINCE 9223372036854775808) FLAGS x",
    b"a STORE 1 FLAGS (" + b"k" * 129 + b")",
    b"a COPY 1",
    b"a COPY x 1",
    b"a COPY 1, x",
    b"a COPY ,1 x",
    b"a COPY 1:2:3 x",
    b"a COPY 4294967296 x",
    b"a COPY 01 x",
    b"a COPY -1 x",
    b"a COPY 1:$ x",
    b"a COPY $,1 x",
    b"a COPY : x",
    b"a MOVE",
    b"a UID MOVE 1",
    b"a COPY " + b"9" * 5000 + b" x",
    b"a APPEND INBOX",
    b"a APPEND INBOX (\\Seen)",
]


@pytest.mark.parametrize("data", BAD, ids=lambda data: data[:60].decode("latin-1"))
def test_refuses(data: bytes) -> None:
    with pytest.raises(ImapSyntaxError) as caught:
        parse_command(data)
    assert (caught.value.tag, caught.value.condition) == (b"a", "BAD")
    assert caught.value.text.isprintable()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" NOOP",
        b"* NOOP",
        b"+ NOOP",
        b"a+ NOOP",
        b'"a" NOOP',
        b"\xe4 NOOP",
        b"a\0 NOOP",
        b"(a NOOP",
        b"x" * 129 + b" NOOP",
    ],
)
def test_a_bad_tag_is_not_repeated(data: bytes) -> None:
    with pytest.raises(ImapSyntaxError) as caught:
        parse_command(data)
    assert caught.value.tag == b""


@pytest.mark.parametrize("tag", [b"1", b"A.1-2_x", b"x" * 128, b"]", b"UID"])
def test_odd_tags_are_fine(tag: bytes) -> None:
    assert parse_command(tag + b" NOOP") == c.Noop(tag)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'a CREATE ""', b"CANNOT"),
        (b"a CREATE a//b", b"CANNOT"),
        (b"a CREATE /a", b"CANNOT"),
        (b"a CREATE a&AAo-b", b"CANNOT"),
        (b"a CREATE " + b"x" * 256, b"CANNOT"),
        (b"a CREATE " + b"/".join([b"x"] * 33), b"CANNOT"),
        (b"a RENAME a b//c", b"CANNOT"),
        (b"a SELECT &AAA", b"CANNOT"),
        (b"a SELECT R&D", b"CANNOT"),
        (b'a SELECT "\xc3\xbc"', b"CANNOT"),
        (b"a CREATE x (USE (\\Nope))", b"USEATTR"),
    ],
)
def test_well_formed_and_impossible_is_no(data: bytes, code: bytes) -> None:
    with pytest.raises(ImapSyntaxError) as caught:
        parse_command(data)
    assert (caught.value.condition, caught.value.code) == ("NO", code)


def test_mailbox_names_are_utf8_once_enabled() -> None:
    assert parse_command('a SELECT "Entwürfe & mehr"'.encode(), utf8=True) == c.Select(A, "Entwürfe & mehr")
    with pytest.raises(ImapSyntaxError):
        parse_command(b'a SELECT "\xfc"', utf8=True)


WHOLE, WHOLE_UTF8 = AppendPlace.WHOLE, AppendPlace.WHOLE_UTF8
APPEND = c.Append(A, "x", AppendText((), WHOLE))


def announced(*options: Any, place: AppendPlace = WHOLE) -> AppendText:
    return AppendText((MessageStart(*options), LiteralPart()), place)


def further(text: bytes, place: AppendPlace = WHOLE, *, cut: bool = True) -> AppendText:
    return parse_append_text(text, APPEND, place, cut=cut)


def test_append_is_read_up_to_each_message() -> None:
    date = datetime(1994, 2, 7, 21, 52, 25, tzinfo=timezone(timedelta(hours=-8)))
    assert parse_append(b'a APPEND Sent (\\Seen) " 7-Feb-1994 21:52:25 -0800" ') == c.Append(
        A, "Sent", announced(("\\Seen",), date)
    )
    assert parse_append(b"a append {5+}\r\nINBOX ") == c.Append(A, "INBOX", announced())
    assert further(b" (x) ") == AppendText((MessageEnd(), *announced(("x",)).pieces), WHOLE)
    assert further(b"", cut=False) == AppendText((MessageEnd(),), AppendPlace.MESSAGES)
    assert further(b' "01-Jan-2020 00:00:00 +0000" ').pieces[1] == MessageStart((), datetime(2020, 1, 1, tzinfo=UTC))


def test_append_in_utf8() -> None:
    assert parse_append(b"a APPEND Sent (\\Seen) UTF8 (").text == announced(("\\Seen",), place=WHOLE_UTF8)
    assert further(b")", WHOLE_UTF8, cut=False).pieces == (MessageEnd(),)
    assert further(b") utf8 (", WHOLE_UTF8).place is WHOLE_UTF8
    for text in (b"", b") ", b"))"):
        with pytest.raises(ImapSyntaxError):
            further(text, WHOLE_UTF8, cut=False)


def test_catenate() -> None:
    start = MessageStart(("\\Seen",), None, is_catenated=True)
    whole = parse_command(b'a APPEND INBOX (\\Seen) CATENATE (URL "/x/;UID=1" URL /x/;UID=2) CATENATE (url u)')
    assert isinstance(whole, c.Append)
    assert whole.text.pieces == (
        *(start, UrlPart(b"/x/;UID=1"), UrlPart(b"/x/;UID=2"), MessageEnd()),
        *(MessageStart(is_catenated=True), UrlPart(b"u"), MessageEnd()),
    )
    cut = parse_append(b"a APPEND INBOX (\\Seen) CATENATE (URL u TEXT ").text
    assert cut == AppendText((start, UrlPart(b"u"), LiteralPart()), AppendPlace.PARTS)
    assert further(b" UTF8 (", AppendPlace.PARTS).place is AppendPlace.PARTS_UTF8
    assert further(b") URL ", AppendPlace.PARTS_UTF8).pieces == (LiteralPart(is_url=True),)
    assert further(b" URL u)", AppendPlace.PARTS, cut=False).pieces == (UrlPart(b"u"), MessageEnd())


def test_replace() -> None:
    assert parse_append(b"a REPLACE 4 Drafts (\\Draft) ") == Replace(A, "Drafts", announced(("\\Draft",)), 4)
    assert parse_append(b"a uid replace 77 {1+}\r\nx UTF8 (") == Replace(
        A, "x", announced(place=WHOLE_UTF8), 77, uid=True
    )
    whole = parse_command(b"a UID REPLACE * x CATENATE (URL u)")
    assert isinstance(whole, Replace)
    assert whole.number is None
    for text in (b" ", b" (x) "):
        with pytest.raises(ImapSyntaxError):
            parse_append_text(text, whole, WHOLE, cut=True)
    for head in (b"0 x ", b"1:2 x ", b"4294967296 x ", b"1 ", b"$ x ", b"x "):
        with pytest.raises(ImapSyntaxError):
            parse_append(b"a REPLACE " + head)


@pytest.mark.parametrize(
    "head",
    [
        *(b"", b"(x) ", b" (x)", b" (x", b' "x" ', b' "01-Jan-2020 00:00:00 +0000"', b" x ", b" (\\Recent) "),
        *(b" UTF8  (", b" CATENATE ()", b" CATENATE (URL u", b" CATENATE (URL  u) ", b" CATENATE (TEXT x"),
        b" CATENATE(TEXT ",
    ],
)
def test_append_options_refused(head: bytes) -> None:
    with pytest.raises(ImapSyntaxError) as caught:
        further(head)
    assert caught.value.tag == A
    with pytest.raises(ImapSyntaxError):
        parse_append(b"a APPEND INBOX" + head)


@pytest.mark.parametrize("head", [b"", b"a", b"a NOOP", b"a APPEND", b"a APPEND  "])
def test_append_heads_refused(head: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        parse_append(head)


def test_sasl_responses() -> None:
    assert sasl_response(b"AGEAYg==") == b"\0a\0b"
    assert sasl_response(b"") == b""
    assert sasl_response(b"*") is None
    for line in (b"**", b"A", b"AA=", b"\xff", b"AA==\r"):
        with pytest.raises(ImapSyntaxError):
            sasl_response(line)


def test_done_ends_idle() -> None:
    assert ends_idle(b"DONE")
    assert ends_idle(b"done")
    assert not any(ends_idle(line) for line in (b"", b"DONE ", b"a NOOP"))


def test_secrets_are_not_shown() -> None:
    shown = repr(parse_command(b"a LOGIN ann secret")) + repr(parse_command(b"a AUTHENTICATE PLAIN c2VjcmV0"))
    assert "secret" not in shown
    assert "ann" in shown
