"""Any bytes give a value or the one error, never another exception, and never slowly."""

import sys
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.protocol.imap.append_pieces import AppendPlace, AppendText
from shared.protocol.imap.commands import Append
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.frame_event import CommandReceived
from shared.protocol.imap.parse.command import parse_append, parse_append_text, parse_command
from tests.harness.work import assert_cost_grows_with_size, assert_lines_grow_with_size
from tests.unit.shared.protocol.imap.stream import SMALL, events, single_bytes

WORDS = [
    b"a",
    b" ",
    b"  ",
    b"UID ",
    b"FETCH ",
    b"STORE ",
    b"SEARCH ",
    b"LIST ",
    b"SELECT ",
    b"LOGIN ",
    b"APPEND ",
    b"COMPRESS ",
    b"DEFLATE",
    b"UNAUTHENTICATE",
    b"ENABLE IMAP4rev2",
    b"(PARTIAL -1:-5 ",
    b"CHANGEDSINCE 5)",
    b"UIDAFTER ",
    b"UIDBEFORE ",
    b"STATUS ",
    b"ID ",
    b"CREATE ",
    b"1:*",
    b"$",
    b"0",
    b"4294967295",
    b"99999999999999999999",
    b"(",
    b")",
    b"[",
    b"]",
    b"<",
    b">",
    b"{",
    b"}",
    b'"',
    b"\\",
    b"*",
    b"%",
    b"{3}\r\nabc",
    b"{0+}\r\n",
    b"{9}\r\nabc",
    b"~{1}\r\n\0",
    b"NIL",
    b"FLAGS",
    b"BODY.PEEK[",
    b"HEADER.FIELDS (",
    b"\\Seen",
    b"OR ",
    b"NOT ",
    b"RETURN (",
    b"PARTIAL 1:",
    b"UPDATE",
    b"(REVERSE SIZE)",
    b"SUBJECT",
    b"UTF-8 ",
    b"THREAD ",
    b"CANCELUPDATE ",
    b"subtree ",
    b"personal",
    b"FILTER ",
    b"\0",
    b"\xff",
    b"\xc3\xbc",
    b"\r",
    b"\n",
    b"&AAA-",
    b"&",
    b"RETURN (",
    b"QRESYNC (",
    b"CATENATE (",
    b"UTF8 (",
    b" URL u",
    b" TEXT ",
    b"CHARSET ",
    b"1-Jan-2000",
    b"<0.1>",
    b".",
    b",",
]
SOUP = st.lists(st.sampled_from(WORDS), max_size=14).map(b"".join)


@settings(max_examples=1500, deadline=None)
@given(
    st.binary(max_size=60)
    | SOUP
    | SOUP.map(lambda tail: b"a UID FETCH 1 " + tail)
    | SOUP.map(lambda tail: b"a SEARCH " + tail)
    | SOUP.map(lambda tail: b"a UID REPLACE 1 INBOX CATENATE (" + tail)
    | SOUP.map(lambda tail: b"a SORT " + tail)
    | SOUP.map(lambda tail: b"a ESEARCH IN (" + tail)
    | SOUP.map(lambda tail: b"a UID THREAD REFS UTF-8 " + tail),
    st.booleans(),
)
@example(b"a SEARCH " + b"(" * 10_000, False)
def test_any_bytes_are_a_command_or_the_one_error(data: bytes, utf8: bool) -> None:
    readers: tuple[Callable[[], object], ...] = (
        lambda: parse_command(data, utf8),
        lambda: parse_append(data, utf8),
        *(
            partial(parse_append_text, data, Append(b"a", "x", AppendText((), place)), place, cut=cut)
            for place in AppendPlace
            for cut in (False, True)
        ),
    )
    for read in readers:
        try:
            read()
        except ImapSyntaxError as error:
            assert error.text.isprintable()
            assert error.tag.isascii()


@settings(max_examples=300, deadline=None)
@given(st.lists(SOUP, max_size=6).map(b"\r\n".join))
def test_any_stream_cut_anyhow_says_the_same_and_can_be_read(stream: bytes) -> None:
    seen = events([stream], SMALL, append_limit=50)
    assert events(single_bytes(stream), SMALL, append_limit=50) == seen
    for event in seen:
        if isinstance(event, CommandReceived):
            try:
                parse_command(event.data)
            except ImapSyntaxError:
                continue


LONG = 65_000
LONG_COMMANDS: dict[str, Callable[[int], bytes]] = {
    "quoted backslashes": lambda size: b'a LOGIN x "' + b'\\"' * (size // 2),
    "unclosed quote": lambda size: b'a LOGIN x "' + b"y" * size,
    "numbers": lambda size: b"a FETCH " + b"1," * (size // 2) + b"1 FLAGS",
    "stars": lambda size: b"a FETCH " + b"*:*," * (size // 4) + b"1 FLAGS",
    "digits": lambda size: b"a FETCH " + b"9" * size + b" FLAGS",
    "keys": lambda size: b"a SEARCH " + b"SEEN " * (size // 5) + b"SEEN",
    "criteria": lambda size: b"a SORT (" + b"REVERSE SIZE " * (size // 13) + b"SIZE) UTF-8 ALL",
    "partial": lambda size: b"a SEARCH RETURN (PARTIAL 1:" + b"9" * size,
    "tags": lambda size: b"a CANCELUPDATE" + b' "x"' * (size // 4),
    "sources": lambda size: b"a ESEARCH IN (" + b"personal " * (size // 9) + b"personal) ALL",
    "source names": lambda size: b"a ESEARCH IN (mailboxes (" + b"x " * (size // 2) + b"x)) ALL",
    "nots": lambda size: b"a SEARCH " + b"NOT " * (size // 4) + b"SEEN",
    "fuzzies": lambda size: b"a SEARCH " + b"FUZZY NOT " * (size // 10) + b"SEEN",
    "parentheses": lambda size: b"a SEARCH " + b"(" * size,
    "flags": lambda size: b"a STORE 1 FLAGS (" + b"x " * (size // 2) + b"x)",
    "items": lambda size: b"a FETCH 1 (" + b"BODY[] " * (size // 7) + b"UID)",
    "fields": lambda size: b"a FETCH 1 BODY[HEADER.FIELDS (" + b"x " * (size // 2) + b"x)]",
    "parts": lambda size: b"a FETCH 1 BODY[" + b"1." * (size // 2) + b"1]",
    "literals": lambda size: b"a SEARCH " + b"TEXT {0+}\r\n " * (size // 12) + b"ALL",
    "patterns": lambda size: b'a LIST "" (' + b"* " * (size // 2) + b"*)",
    "one pattern": lambda size: b'a LIST "" "' + b"*%" * (size // 2) + b'"',
    "shifts": lambda size: b'a SELECT "' + b"&AOQ-x" * (size // 6) + b'"',
    "status": lambda size: b"a STATUS x (" + b"SIZE " * (size // 5) + b"SIZE)",
    "capabilities": lambda size: b"a ENABLE" + b" X" * (size // 2),
    "tag": lambda size: b"x" * size + b" NOOP",
    "base64": lambda size: b"a AUTHENTICATE PLAIN " + b"A" * size,
    "modseq entry": lambda size: b'a SEARCH MODSEQ "/flags/' + b'\\"' * (size // 2),
    "date": lambda size: b'a SEARCH ON "' + b"1-" * (size // 2) + b'"',
}


@pytest.mark.parametrize("command", LONG_COMMANDS.values(), ids=LONG_COMMANDS)
def test_the_longest_commands_take_linear_work(command: Callable[[int], bytes]) -> None:
    limit = sys.getrecursionlimit()

    def parse(size: int) -> None:
        try:
            parse_command(command(size))
        except ImapSyntaxError as error:
            assert len(error.text) < 200

    parse(LONG)
    assert_lines_grow_with_size(parse, 1_000)
    assert_cost_grows_with_size(parse, LONG // 4)  # larger lists get fresh pages from the system, which cost more
    assert sys.getrecursionlimit() == limit
