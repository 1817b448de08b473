"""NOTIFY: its groups, and what is refused (RFC 5465 §8)."""

import pytest

from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.fetch import BodySection, FetchAttribute
from shared.protocol.imap.notify_command import EventGroup, ImapNotify, NotifyEvent, NotifyFilter
from shared.protocol.imap.parse.command import parse_command
from shared.protocol.imap.section import WHOLE

NEW, GONE, FLAG = NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE, NotifyEvent.FLAG_CHANGE
PERSONAL, SELECTED = NotifyFilter.PERSONAL, NotifyFilter.SELECTED

GOOD = {
    b"a NOTIFY NONE": ImapNotify(b"a"),
    b"a notify set (personal none)": ImapNotify(b"a", (EventGroup(PERSONAL, (), frozenset()),)),
    b"a NOTIFY SET STATUS (subtree Lists (MessageNew MessageExpunge)) (mailboxes (INBOX &) NONE)": ImapNotify(
        b"a",
        (
            EventGroup(NotifyFilter.SUBTREE, ("Lists",), frozenset({NEW, GONE})),
            EventGroup(NotifyFilter.MAILBOXES, ("INBOX",), frozenset()),
        ),
        status=True,
    ),
    b"a NOTIFY SET (selected (messagenew (FLAGS BODY[]) MessageExpunge FlagChange))": ImapNotify(
        b"a",
        (
            EventGroup(
                SELECTED,
                (),
                frozenset({NEW, GONE, FLAG}),
                (FetchAttribute.UID, FetchAttribute.FLAGS, BodySection(WHOLE, b"BODY[]", peek=True)),
            ),
        ),
    ),
}


@pytest.mark.parametrize("text", GOOD, ids=lambda text: text.decode())
def test_reads(text: bytes) -> None:
    assert parse_command(text) == GOOD[text]


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b" ", b" SET", b" SET STATUS", b" NONE x", b" SET (selected)", b" SET (bogus NONE)", b" SET ()"),
        *(b" SET (personal ())", b" SET (personal (MessageNew))", b" SET (personal (FlagChange MessageNew))"),
        *(b" SET (subtree NONE)", b" SET (mailboxes () NONE)", b" SET (selected (MailboxName))"),
        *(b" SET (selected NONE) (selected-delayed NONE)", b" SET (personal (MessageNew (UID) MessageExpunge))"),
        *(b" SET (selected (MessageNew (BOGUS) MessageExpunge))", b" SET" + b" (personal NONE)" * 200),
        b" SET (mailboxes (" + b" ".join([b"x%d" % number for number in range(1100)]) + b") NONE)",
        b" SET (personal (" + b" ".join([b"MailboxName"] * 200) + b"))",
    ],
    ids=lambda text: text[:50].decode(),
)
def test_refuses(text: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        parse_command(b"a NOTIFY" + text)


def test_an_unknown_event_is_answered_with_those_that_exist() -> None:
    with pytest.raises(ImapSyntaxError) as caught:
        parse_command(b"a NOTIFY SET (personal (MessageNew AnnotationChange))")
    assert (caught.value.condition, caught.value.code[:9]) == ("NO", b"BADEVENT ")
