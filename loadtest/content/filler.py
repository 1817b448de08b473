"""Makes many distinct messages from few texts, to fill a mailbox."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from loadtest.content.mail import Mail, mails
from loadtest.content.profile import Profile

POOL = 200
_MARK = b"Message-ID: <"


def filler_profile(profile: Profile, median_size: int) -> Profile:
    """A profile of small, unsigned mail without attachments, because only the number of messages matters."""
    return dataclasses.replace(
        profile,
        median_size=median_size,
        smallest=min(600, median_size),
        signed_share=0.0,
        attachment_share=0.0,
        spam_share=0.0,
    )


def filler(profile: Profile, count: int, first: int = 0) -> Iterator[bytes]:
    """`count` messages from number `first` on, which differ in their Message-ID; texts repeat after POOL."""
    halves = [mail.data.split(_MARK, 1) for mail in mails(profile, min(POOL, max(1, count)))]
    for number in range(first, first + count):
        before, after = halves[number % len(halves)]
        yield _marked(before, after, number)


def renewed(mail: Mail, number: int) -> Mail:
    """The same mail with another Message-ID, so that it is new to a server but has the same size.

    Its signature becomes invalid.
    """
    before, after = mail.data.split(_MARK, 1)
    return dataclasses.replace(mail, number=number, data=_marked(before, after, number))


def _marked(before: bytes, after: bytes, number: int) -> bytes:
    return b"%s%s%d." % (before, _MARK, number) + after
