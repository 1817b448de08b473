"""SEARCH: every key, the tree that they form, and its depth."""

from datetime import date

import pytest

from shared.protocol.imap import search_key as k
from shared.protocol.imap.commands import PartialRange, Search, SearchReturn
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.parse.command import parse_command
from shared.protocol.imap.search_key import uses_modseq
from shared.protocol.imap.sequence import SAVED_RESULT, SequenceSet


def search(program: bytes) -> Search:
    command = parse_command(b"a SEARCH " + program)
    assert isinstance(command, Search)
    return command


DAY = date(1994, 2, 1)
SEEN = k.Flag("\\Seen")
DRAFT = k.Flag("\\Draft")
FLAGGED = k.Flag("\\Flagged")

KEYS: dict[bytes, k.SearchKey] = {
    b"ALL": k.All(),
    b"ANSWERED": k.Flag("\\Answered"),
    b"BCC x": k.Header("Bcc", "x"),
    b"BEFORE 1-Feb-1994": k.InternalDate("BEFORE", DAY),
    b'BODY "a b"': k.Body("a b"),
    b"CC {1}\r\nx": k.Header("Cc", "x"),
    b"DELETED": k.Flag("\\Deleted"),
    b"DRAFT": DRAFT,
    b"EMAILID M6d99ac3275bb4e": k.EmailId("M6d99ac3275bb4e"),
    b"FLAGGED": FLAGGED,
    b'FROM ""': k.Header("From", ""),
    b"HEADER Message-ID <x@y>": k.Header("Message-ID", "<x@y>"),
    b"KEYWORD $forwarded": k.Flag("$Forwarded"),
    b"LARGER 0": k.Larger(0),
    b"MODSEQ 620162338": k.Modseq(620162338),
    b'MODSEQ "/flags/\\\\draft" all 620162338': k.Modseq(620162338),
    b"NEW": k.And((k.Flag("\\Recent"), k.Flag("\\Seen", False))),
    b"NOT SEEN": k.Not(SEEN),
    b"NOT NOT SEEN": SEEN,
    b"NOT not NOT SEEN": k.Not(SEEN),
    b"OLD": k.Flag("\\Recent", False),
    b"OLDER 3600": k.Older(3600),
    b'on "01-feb-1994"': k.InternalDate("ON", DAY),
    b"OR SEEN DRAFT": k.Or((SEEN, DRAFT)),
    b"OR SEEN OR DRAFT FLAGGED": k.Or((SEEN, DRAFT, FLAGGED)),
    b"OR OR SEEN DRAFT FLAGGED": k.Or((k.Or((SEEN, DRAFT)), FLAGGED)),
    b"OR (SEEN DRAFT) NOT OR SEEN DRAFT": k.Or((k.And((SEEN, DRAFT)), k.Not(k.Or((SEEN, DRAFT))))),
    b"RECENT": k.Flag("\\Recent"),
    b"FILTER Mine": k.NamedFilter("Mine"),
    b"SAVEDATESUPPORTED": k.All(),
    b"SAVEDBEFORE 1-Feb-1994": k.SavedDate("BEFORE", DAY),
    b"savedon 1-Feb-1994": k.SavedDate("ON", DAY),
    b'SAVEDSINCE "1-Feb-1994"': k.SavedDate("SINCE", DAY),
    b"SEEN": SEEN,
    b"SENTBEFORE 1-Feb-1994": k.SentDate("BEFORE", DAY),
    b"SENTON 1-Feb-1994": k.SentDate("ON", DAY),
    b"SENTSINCE 1-Feb-1994": k.SentDate("SINCE", DAY),
    b"SINCE 1-Feb-1994": k.InternalDate("SINCE", DAY),
    b"SMALLER 9223372036854775807": k.Smaller(9223372036854775807),
    b"SUBJECT x": k.Header("Subject", "x"),
    b"TEXT x": k.Text("x"),
    b"THREADID T1": k.ThreadId("T1"),
    b"TO x": k.Header("To", "x"),
    b"UID 1,5:*": k.Uid(SequenceSet(((1, 1), (5, 0)))),
    b"UID $": k.Uid(SAVED_RESULT),
    b"UNANSWERED": k.Flag("\\Answered", False),
    b"UNDELETED": k.Flag("\\Deleted", False),
    b"UNDRAFT": k.Flag("\\Draft", False),
    b"UNFLAGGED": k.Flag("\\Flagged", False),
    b"UNKEYWORD x": k.Flag("x", False),
    b"UNSEEN": k.Flag("\\Seen", False),
    b"YOUNGER 1": k.Younger(1),
    b"1:3": k.SeqSet(SequenceSet(((1, 3),))),
    b"*": k.SeqSet(SequenceSet(((0, 0),))),
    b"$": k.SeqSet(SAVED_RESULT),
    b"FUZZY BODY x": k.Fuzzy(k.Body("x")),
    b"NOT fuzzy FUZZY NOT NOT BODY x": k.Not(k.Fuzzy(k.Body("x"))),
    b"FUZZY (OR SEEN FUZZY BODY x) DRAFT": k.And((k.Fuzzy(k.Or((SEEN, k.Fuzzy(k.Body("x"))))), DRAFT)),
    b"(SEEN)": SEEN,
    b"(SEEN DRAFT)": k.And((SEEN, DRAFT)),
    b"SEEN (1 DRAFT) $": k.And((SEEN, k.And((k.SeqSet(SequenceSet(((1, 1),))), DRAFT)), k.SeqSet(SAVED_RESULT))),
    b"CHARSET utf-8 TEXT {3}\r\n\xe2\x82\xac": k.Text("€"),
    b'charset "ISO-8859-1" SUBJECT {1+}\r\n\xfc': k.Header("Subject", "ü"),
    b"CHARSET US-ASCII TEXT x": k.Text("x"),
    'TEXT "ü"'.encode(): k.Text("ü"),
}


@pytest.mark.parametrize("program", KEYS, ids=lambda program: program.decode("latin-1"))
def test_key(program: bytes) -> None:
    assert search(program) == Search(b"a", KEYS[program])
    assert parse_command(b"a UID SEARCH " + program) == Search(b"a", KEYS[program], uid=True)


def test_return_options() -> None:
    assert search(b"ALL").returns is None
    assert search(b"RETURN () ALL").returns == frozenset({SearchReturn.ALL})
    assert search(b"return (MIN max COUNT ALL SAVE CONTEXT update RELEVANCY) CHARSET UTF-8 ALL") == Search(
        b"a", k.All(), returns=frozenset(SearchReturn) - {SearchReturn.PARTIAL}
    )
    assert search(b"RETURN (partial 1:5) ALL") == Search(
        b"a", k.All(), returns=frozenset({SearchReturn.PARTIAL}), partial=PartialRange(1, 5)
    )


@pytest.mark.parametrize(
    "program",
    [
        b"",
        b" ALL",
        b"ALL ",
        b"NOPE",
        b"NOT",
        b"NOT ",
        b"OR SEEN",
        b"OR SEEN ",
        b"OR",
        b"()",
        b"(SEEN",
        b"SEEN)",
        b"(SEEN ",
        b"SEEN  DRAFT",
        b"FROM",
        b"FROM ",
        b"HEADER x",
        b"KEYWORD",
        b"KEYWORD \\Seen",
        b"KEYWORD (x)",
        b"LARGER x",
        b"LARGER -1",
        b"LARGER 9223372036854775808",
        b"OLDER 0",
        b"OLDER 4294967296",
        b"BEFORE 31-Feb-1994",
        b"BEFORE x",
        b'ON "1-Feb-1994',
        b"ON 1-Xxx-1994",
        b"ON 1-Feb-94",
        b"ON 1-Feb-0000",
        b"UID",
        b"UID x",
        b"0",
        b"1:",
        b"4294967296",
        b"RETURN ALL",
        b"RETURN (NOPE) ALL",
        b"RETURN (MIN",
        b"RETURN (MIN)",
        b"RETURN () ",
        b"CHARSET UTF-8",
        b"CHARSET UTF-8 ",
        b"CHARSET UTF-8 TEXT {1}\r\n\xff",
        b'TEXT "\xff"',
        b"TEXT {1}\r\n\0",
        b"MODSEQ x",
        b"MODSEQ -1",
        b'MODSEQ "/flags/x" nope 1',
        b"EMAILID a.b",
        b"EMAILID " + b"x" * 256,
        b"MODSEQ " + b"9" * 5000,
    ],
    ids=lambda program: program[:40].decode("latin-1"),
)
def test_refused(program: bytes) -> None:
    with pytest.raises(ImapSyntaxError) as caught:
        search(program)
    assert (caught.value.tag, caught.value.condition) == (b"a", "BAD")


def test_unknown_charset_is_no_with_the_known_ones() -> None:
    with pytest.raises(ImapSyntaxError) as caught:
        search(b"CHARSET X-NOPE TEXT x")
    assert caught.value.condition == "NO"
    assert caught.value.code.startswith(b"BADCHARSET (UTF-8 US-ASCII ")


@pytest.mark.parametrize(
    "program",
    [
        b"(" * 10_000,
        b"(" * 10_000 + b"ALL" + b")" * 10_000,
        b"OR " * 10_000 + b"ALL",
        b"NOT (" * 10_000,
        b"OR (" * 9_000,
    ],
)
def test_deep_nesting_is_refused_not_followed(program: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        search(program)


def test_parentheses_up_to_the_limit() -> None:
    assert search(b"(" * k.MAX_DEPTH + b"ALL" + b")" * k.MAX_DEPTH).key == k.All()
    with pytest.raises(ImapSyntaxError, match="deep"):
        search(b"(" * (k.MAX_DEPTH + 1) + b"ALL" + b")" * (k.MAX_DEPTH + 1))


def test_long_chains_do_not_nest() -> None:
    chain = search(b"OR SEEN " * 1_500 + b"DRAFT").key
    assert isinstance(chain, k.Or)
    assert len(chain.keys) == 1_501
    assert search(b"NOT " * 16_000 + b"SEEN").key == SEEN


def test_too_many_keys() -> None:
    assert isinstance(search(b" ".join([b"SEEN"] * k.MAX_KEYS)).key, k.And)
    with pytest.raises(ImapSyntaxError, match="Too many"):
        search(b" ".join([b"SEEN"] * (k.MAX_KEYS + 1)))


def test_modseq_is_found_anywhere_in_the_tree() -> None:
    assert uses_modseq(search(b"SEEN OR DRAFT NOT (SEEN MODSEQ 5)").key)
    assert not uses_modseq(search(b"SEEN OR DRAFT NOT (SEEN UID 5)").key)
