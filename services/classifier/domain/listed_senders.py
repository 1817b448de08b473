"""Blocked and allowed senders of a mail, as tests of its verdict.

A mail has the sender of its envelope and the authors of its From field, and either may be on a list. An allowed sender
counts only when nothing says that it is forged: SPF for the envelope, DMARC for the authors. Otherwise whoever knows an
allowed address could write to the mailbox under it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

from services.classifier.domain.verdict import Hit
from shared.events.mail import MailReceived, RecordedCheck
from shared.protocol.address.account import lookup_key
from shared.protocol.address.address import parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.address.header import read_authors
from shared.routing.block_lists import BLOCK, ListedSender

BLOCKED_TEST: Final = "USER_IN_BLACKLIST"
ALLOWED_TEST: Final = "USER_IN_WHITELIST"
_SCORE = 100.0
"""Points of a blocked sender, and negative of an allowed one: more than all other tests together."""
_FAILED_SPF = ("fail", "softfail")
_MOST_AUTHORS = 10


class MailSenders(NamedTuple):
    """The senders of a mail by their lookup keys, and those of them that are forged."""

    keys: tuple[str, ...]
    forged: frozenset[str]


def senders_of(mail: MailReceived) -> MailSenders:
    """The sender of the envelope and the authors, each once."""
    checks = {check.name: check for check in mail.checks}
    authors = tuple(dict.fromkeys(_authors(checks.get("dmarc"))))[:_MOST_AUTHORS]
    envelope = tuple(_keys([mail.reverse_path])) if mail.reverse_path else ()
    forged: set[str] = set()
    if _result(checks.get("spf")) in _FAILED_SPF:
        forged.update(envelope)
    if _result(checks.get("dmarc")) == "fail":
        forged.update(authors)
    return MailSenders(tuple(dict.fromkeys((*envelope, *authors))), frozenset(forged))


def decisive(listed: Iterable[ListedSender], forged: Collection[str]) -> ListedSender | None:
    """The entry that counts, of entries from the most specific on; an allowed sender that is forged does not count."""
    return next((entry for entry in listed if entry.list == BLOCK or entry.sender not in forged), None)


def hit_of(entry: ListedSender, whose: str) -> Hit:
    """The test of an entry, for the score and the X-Spam-Status field."""
    who = f" {entry.sender}" if entry.sender else ""
    if entry.list == BLOCK:
        return Hit(BLOCKED_TEST, _SCORE, f"The sender{who} is blocked by {whose}: {entry.pattern}")
    return Hit(ALLOWED_TEST, -_SCORE, f"The sender{who} is allowed by {whose}: {entry.pattern}")


def _authors(dmarc: RecordedCheck | None) -> Iterator[str]:
    for value in dmarc.detail.get("from", ()) if dmarc is not None else ():
        for author in read_authors(str(value)).addresses:
            yield lookup_key(author)


def _keys(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        try:
            yield lookup_key(parse_address(text))
        except AddressError:  # of a release with another grammar
            continue


def _result(check: RecordedCheck | None) -> str:
    return check.result if check is not None else ""
