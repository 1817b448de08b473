"""URLs that name octets of stored messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.imap.fetch import Partial
from shared.protocol.imap.message_url import InvalidUrl, MessageUrl, parse_message_url
from shared.protocol.imap.section import SectionSpec

GOOD = {
    b"/INBOX/;UID=20": MessageUrl("INBOX", 20),
    b"/inbox;uidvalidity=7/;uid=20/;section=HEADER": MessageUrl("INBOX", 20, 7, SectionSpec((), "HEADER")),
    b"/Drafts;UIDVALIDITY=385759045/;UID=20;section=1.2.MIME": MessageUrl(
        "Drafts", 20, 385759045, SectionSpec((1, 2), "MIME")
    ),
    b"/a/b%20c%C3%BC/;UID=1/;SECTION=HEADER.FIELDS%20(Date)/;PARTIAL=5.10": MessageUrl(
        "a/b c\u00fc", 1, None, SectionSpec((), "HEADER.FIELDS", ("Date",)), Partial(5, 10)
    ),
    b"/x/;UID=1/;PARTIAL=5": MessageUrl("x", 1, partial=Partial(5, 2**62)),
}


@pytest.mark.parametrize("url", GOOD, ids=lambda url: url.decode())
def test_reads(url: bytes) -> None:
    assert parse_message_url(url) == GOOD[url]


@pytest.mark.parametrize(
    "url",
    [
        *(b"", b"/", b"/INBOX", b"/INBOX/;UID=0", b"/INBOX/;UID=x", b"INBOX/;UID=1", b"/;UID=1"),
        *(b"imap://host/INBOX/;UID=1", b"/INBOX/;UID=1;URLAUTH=anonymous", b"/INBOX/;UID=1/;section=BOGUS"),
        *(b"/INBOX/;UID=4294967296", b"/%ff/;UID=1", b"/x/;UID=1/;section=1]", b"/" + b"x" * 5000 + b"/;UID=1"),
    ],
)
def test_refuses(url: bytes) -> None:
    with pytest.raises(InvalidUrl):
        parse_message_url(url)


@given(st.binary(max_size=80) | st.binary(max_size=40).map(lambda tail: b"/x/;UID=1/;section=" + tail))
def test_any_octets_are_a_url_or_the_one_error(url: bytes) -> None:
    try:
        parse_message_url(url)
    except InvalidUrl:
        return
