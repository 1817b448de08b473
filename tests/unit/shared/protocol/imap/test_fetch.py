"""FETCH: data items, sections, modifiers, and the labels in the response."""

import pytest

from shared.protocol.imap.commands import Fetch
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.fetch import (
    ALL,
    FAST,
    FULL,
    BinarySection,
    BinarySize,
    BodySection,
    FetchAttribute,
    FetchItem,
    Partial,
    sets_seen,
)
from shared.protocol.imap.parse.command import parse_command
from shared.protocol.imap.section import SectionSpec
from shared.protocol.imap.sequence import SequenceSet


def fetch(items: bytes) -> Fetch:
    command = parse_command(b"a FETCH 1 " + items)
    assert isinstance(command, Fetch)
    return command


SINGLE: dict[bytes, FetchItem] = {
    **{attribute.value: attribute for attribute in FetchAttribute},
    b"rfc822.size": FetchAttribute.RFC822_SIZE,
    b"BODY[]": BodySection(SectionSpec(), b"BODY[]"),
    b"body.peek[]": BodySection(SectionSpec(), b"BODY[]", peek=True),
    b"BODY[]<0.100>": BodySection(SectionSpec(), b"BODY[]<0>", partial=Partial(0, 100)),
    b"BODY[TEXT]<7.1>": BodySection(SectionSpec(text="TEXT"), b"BODY[TEXT]<7>", partial=Partial(7, 1)),
    b"BODY[header]": BodySection(SectionSpec(text="HEADER"), b"BODY[header]"),
    b"BODY[1]": BodySection(SectionSpec((1,)), b"BODY[1]"),
    b"BODY[1.2.30.MIME]": BodySection(SectionSpec((1, 2, 30), "MIME"), b"BODY[1.2.30.MIME]"),
    b"BODY[4.1.HEADER]": BodySection(SectionSpec((4, 1), "HEADER"), b"BODY[4.1.HEADER]"),
    b"BODY[HEADER.FIELDS (From To)]": BodySection(
        SectionSpec((), "HEADER.FIELDS", ("From", "To")), b"BODY[HEADER.FIELDS (From To)]"
    ),
    b'BODY.PEEK[3.header.fields.not ("Date" {7+}\r\nX-(odd))]<1.2>': BodySection(
        SectionSpec((3,), "HEADER.FIELDS.NOT", ("Date", "X-(odd)")),
        b'BODY[3.HEADER.FIELDS.NOT (Date "X-(odd)")]<1>',
        True,
        Partial(1, 2),
    ),
    b"RFC822": BodySection(SectionSpec(), b"RFC822"),
    b"RFC822.HEADER": BodySection(SectionSpec(text="HEADER"), b"RFC822.HEADER", peek=True),
    b"RFC822.TEXT": BodySection(SectionSpec(text="TEXT"), b"RFC822.TEXT"),
    b"BINARY[]": BinarySection((), b"BINARY[]"),
    b"BINARY.PEEK[1.2]<3.4>": BinarySection((1, 2), b"BINARY[1.2]<3>", True, Partial(3, 4)),
    b"BINARY.SIZE[2]": BinarySize((2,), b"BINARY.SIZE[2]"),
}


@pytest.mark.parametrize("text", SINGLE, ids=lambda text: text.decode())
def test_item(text: bytes) -> None:
    assert fetch(text).items == (SINGLE[text],)
    assert fetch(b"(" + text + b")").items == (SINGLE[text],)
    assert fetch(b"(" + text + b" " + text + b")").items == (SINGLE[text],)


def test_macros_and_lists() -> None:
    assert (fetch(b"all").items, fetch(b"FAST").items, fetch(b"Full").items) == (ALL, FAST, FULL)
    assert fetch(b"(FLAGS BODY[])").items == (FetchAttribute.FLAGS, BodySection(SectionSpec(), b"BODY[]"))


def test_uid_fetch_answers_with_uid_and_changedsince_with_modseq() -> None:
    assert parse_command(b"a UID FETCH 5:* (FLAGS) (CHANGEDSINCE 12345 VANISHED)") == Fetch(
        b"a",
        SequenceSet(((5, 0),)),
        (FetchAttribute.UID, FetchAttribute.MODSEQ, FetchAttribute.FLAGS),
        uid=True,
        changed_since=12345,
        vanished=True,
    )
    assert fetch(b"(UID) (CHANGEDSINCE 1)").items == (FetchAttribute.MODSEQ, FetchAttribute.UID)


def test_which_items_set_seen() -> None:
    assert sets_seen(fetch(b"(FLAGS BODY[TEXT])").items)
    assert sets_seen(fetch(b"RFC822").items)
    assert sets_seen(fetch(b"BINARY[1]").items)
    assert not sets_seen(fetch(b"(FLAGS BODY BODY.PEEK[] RFC822.HEADER BINARY.SIZE[1] BINARY.PEEK[1])").items)


@pytest.mark.parametrize(
    "items",
    [
        b"",
        b"NOPE",
        b"()",
        b"(FLAGS",
        b"FLAGS)",
        b"(FLAGS )",
        b"( FLAGS)",
        b"(ALL)",
        b"(FLAGS  UID)",
        b"FLAGS UID",
        b"BODY[",
        b"BODY[]x",
        b"BODY[NOPE]",
        b"BODY[0]",
        b"BODY[01]",
        b"BODY[1.]",
        b"BODY[.1]",
        b"BODY[1..2]",
        b"BODY[MIME]",
        b"BODY[1.2.NOPE]",
        b"BODY[TEXT.1]",
        b"BODY[4294967296]",
        b"BODY[" + b"9" * 5000 + b"]",
        b"BODY[" + b".".join([b"1"] * 101) + b"]",
        b"BODY[HEADER.FIELDS]",
        b"BODY[HEADER.FIELDS ()]",
        b"BODY[HEADER.FIELDS (a:b)]",
        b'BODY[HEADER.FIELDS ("")]',
        b'BODY[HEADER.FIELDS ("a b")]',
        b'BODY[HEADER.FIELDS ("\xc3\xbc")]',
        b"BODY[HEADER.FIELDS (x]",
        b"BODY[HEADER.FIELDS (" + b"x " * 501 + b"x)]",
        b"BODY[HEADER.FIELDSX (x)]",
        b"BODY[]<0.0>",
        b"BODY[]<0>",
        b"BODY[]<-1.5>",
        b"BODY[]<1.9999999999999999999>",
        b"BODY[]<" + b"1" * 5000 + b".1>",
        b"BODY<0.1>",
        b"BINARY[TEXT]",
        b"BINARY[1.MIME]",
        b"BINARY",
        b"BINARY.SIZE[1]<0.1>",
        b"RFC822[1]",
        b"FLAGS[]",
        b"RFC822.PEEK",
        b"FLAGS ()",
        b"FLAGS (CHANGEDSINCE)",
        b"FLAGS (CHANGEDSINCE 0)",
        b"FLAGS (NOPE)",
        b"FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 2)",
        b"FLAGS (VANISHED)",
        b"FLAGS (CHANGEDSINCE 1 VANISHED)",
        b"(" + b"FLAGS " * 600 + b"UID)",
        b"(" * 5000,
    ],
    ids=lambda items: items[:50].decode("latin-1"),
)
def test_refused(items: bytes) -> None:
    with pytest.raises(ImapSyntaxError) as caught:
        fetch(items)
    assert caught.value.tag == b"a"


def test_a_refusal_is_the_same_the_second_time() -> None:
    """Parsed item lists are cached, but errors and their tags must not be."""
    for tag in (b"a", b"b"):
        with pytest.raises(ImapSyntaxError) as caught:
            parse_command(tag + b" FETCH 1 NOPE")
        assert caught.value.tag == tag


def test_the_same_list_differs_between_fetch_and_uid_fetch() -> None:
    assert fetch(b"(MODSEQ)").items == (FetchAttribute.MODSEQ,)
    uid = parse_command(b"a UID FETCH 1 (MODSEQ)")
    assert isinstance(uid, Fetch)
    assert uid.items == (FetchAttribute.UID, FetchAttribute.MODSEQ)
