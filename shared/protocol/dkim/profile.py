"""What is signed, and with how many signatures: a property of the route that a message takes (RFC 6376 §5.4)."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.protocol.dkim.signature import KeyType

OVERSIGNED_NAMES: Final[tuple[bytes, ...]] = (
    b"from",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
)
"""Fields that are named once more than they occur, so that none can be added (RFC 6376 §5.4.2, §8.15)."""

SIGNED_NAMES: Final[tuple[bytes, ...]] = (
    b"sender",
    b"in-reply-to",
    b"references",
    b"content-id",
    b"content-description",
    b"content-disposition",
    b"resent-date",
    b"resent-from",
    b"resent-sender",
    b"resent-to",
    b"resent-cc",
    b"resent-message-id",
    b"list-id",
    b"list-help",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-subscribe",
    b"list-post",
    b"list-owner",
    b"list-archive",
    b"auto-submitted",
)
"""Fields that are named as often as they occur.

Mailing lists and forwarders add Sender, List-* and Resent-*, and must be able to. Received and Return-Path change on
the way, and Bcc is removed, so these are never signed (RFC 6376 §5.4.1).
"""


class SigningProfile(msgspec.Struct, frozen=True):
    """How messages of one route are signed. The preset of a relay names one."""

    key_types: tuple[KeyType, ...] = ("rsa", "ed25519")
    """The kinds of signatures, the topmost first; empty for none."""
    omitted: frozenset[bytes] = frozenset()
    """Lower-case names of fields that are not signed, because the relay writes them anew."""


BOTH: Final = SigningProfile()
"""RSA and Ed25519 (RFC 8463 §5). RSA is on top, for verifiers that read only one signature."""
UNSIGNED: Final = SigningProfile(())
"""For relays that sign on their own and refuse or replace other signatures."""
