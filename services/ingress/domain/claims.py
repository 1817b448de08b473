"""The addresses in whose name a user's message is sent, from its header."""

from __future__ import annotations

import re
import unicodedata

from services.ingress.domain.header import from_values, values_of
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError
from shared.protocol.address.header import read_authors
from shared.protocol.address.strict_authors import Mailbox, NotStrict, strict_mailboxes
from shared.protocol.message.words import decode_words

_AT_SIGNS = "@\uff20\ufe6b"
_SEPARATORS = re.compile(r"[\s<>()\[\]\",:;\\|/]+")
_LIKE_ADDRESS = re.compile(r"@[^@.]++\.[^@.]")
"""Such as `@work.example`; `@work` alone is no address."""


class UnclearClaim(ValueError):
    """A field occurs more than once, or cannot be read."""


def claimed_addresses(header_block: bytes) -> list[Address]:
    """The addresses of From and Sender, and of the newest Resent-From and Resent-Sender.

    An address in a display name or a comment is claimed too, because mail programs show it in place of the real one.
    Older Resent fields are history, like Received. Raises UnclearClaim.
    """
    resent = (*values_of(header_block, b"resent-from")[:1], *values_of(header_block, b"resent-sender")[:1])
    mailboxes = [
        *_once(b"From", from_values(header_block)),
        *_single_mailbox(_once(b"Sender", values_of(header_block, b"sender"))),
        *(mailbox for value in resent for mailbox in _readable(value)),
    ]
    claims = [address for mailbox in mailboxes for address in (mailbox.address, *_shown_addresses(mailbox.shown))]
    return list(dict.fromkeys(claims))


def first_author(header_block: bytes, otherwise: Address | str) -> Address | None:
    """The first author of a checked message; without a From the address that is written into it."""
    for value in from_values(header_block)[:1]:
        return next(iter(read_authors(value).addresses), None)
    return otherwise if isinstance(otherwise, Address) else parse_address(otherwise)


def needs_sender(header_block: bytes) -> bool:
    """Whether there are several authors and no Sender (RFC 5322 §3.6.2)."""
    if values_of(header_block, b"sender"):
        return False
    return any(len(read_authors(value).addresses) > 1 for value in from_values(header_block))


def _once(name: bytes, values: tuple[str, ...]) -> list[Mailbox]:
    """The mailboxes of a field that may occur once (RFC 5322 §3.6)."""
    if len(values) > 1:
        raise UnclearClaim(f"{name.decode()}: is there {len(values)} times")
    return [mailbox for value in values for mailbox in _readable(value)]


# sender = "Sender:" mailbox CRLF (RFC 5322 §3.6.2)
def _single_mailbox(mailboxes: list[Mailbox]) -> list[Mailbox]:
    if len(mailboxes) > 1:
        raise UnclearClaim(f"Sender: names {len(mailboxes)} addresses")
    return mailboxes


def _readable(value: str) -> list[Mailbox]:
    try:
        return strict_mailboxes(value)
    except NotStrict as error:
        raise UnclearClaim(f"{value[:200]!r}: {error}") from error


def _shown_addresses(text: str) -> list[Address]:
    """The addresses in a text that stands beside an address. Raises UnclearClaim when one cannot be read.

    Encoded words are decoded, characters that look like `@` are taken for it, and invisible ones are left out.
    """
    if not any(sign in text for sign in _AT_SIGNS) and "=?" not in text:
        return []
    shown = unicodedata.normalize("NFKC", decode_words(text.encode()))
    shown = "".join(char for char in shown if unicodedata.category(char) != "Cf")
    return [_shown_address(word) for word in _SEPARATORS.split(shown) if _LIKE_ADDRESS.search(word)]


def _shown_address(word: str) -> Address:
    localpart, at, domain = word.strip(".!?'`´’‘").rpartition("@")
    try:
        return parse_address(localpart.rpartition("@")[2] + at + domain)
    except AddressError as error:
        raise UnclearClaim(f"{word[:100]!r} beside an address cannot be read as another one: {error.reason}") from error
