"""Messages in great number for filling a mailbox: few texts, every message different."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from loadtest.content.mail import Mail, mails
from loadtest.content.profile import Profile

POOL = 200
_MARK = b"Message-ID: <"


def filler_profile(profile: Profile, median_size: int) -> Profile:
    """Small, unsigned mail without attachments: what counts here is how many."""
    return dataclasses.replace(
        profile,
        median_size=median_size,
        smallest=min(600, median_size),
        signed_share=0.0,
        attachment_share=0.0,
        spam_share=0.0,
    )


def filler(profile: Profile, count: int, first: int = 0) -> Iterator[bytes]:
    """`count` messages that differ in their Message-ID, from number `first` on; texts repeat after POOL."""
    halves = [mail.data.split(_MARK, 1) for mail in mails(profile, min(POOL, max(1, count)))]
    for number in range(first, first + count):
        before, after = halves[number % len(halves)]
        yield _marked(before, after, number)


def renewed(mail: Mail, number: int) -> Mail:
    """The same mail under another Message-ID: new to a server, and neither larger nor smaller. No signature stays
    whole.
    """
    before, after = mail.data.split(_MARK, 1)
    return dataclasses.replace(mail, number=number, data=_marked(before, after, number))


def _marked(before: bytes, after: bytes, number: int) -> bytes:
    return b"%s%s%d." % (before, _MARK, number) + after
