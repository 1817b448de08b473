"""Whether a message may be answered automatically (RFC 5230 §4.5, §4.6; RFC 3834 §2)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shared.protocol.sieve.mail.header import SieveHeader
from shared.protocol.sieve.running import ScriptRun

_RECIPIENTS = (b"to", b"cc", b"bcc", b"resent-to", b"resent-cc", b"resent-bcc")
_ROBOTS = re.compile(
    r"mailer-daemon|postmaster|listserv|majordomo|no-?reply|do-?not-?reply|bounces?|daemon"
    r"|owner-.*|.*-(?:request|owner|bounces?|relay)|bounces?[+-].*",
    re.IGNORECASE,
)
_BULK = frozenset({b"bulk", b"junk", b"list"})
_SUPPRESSED = frozenset({b"all", b"oof", b"autoreply"})


def reason_unanswered(run: ScriptRun, owner: Iterable[str]) -> str:
    """Why no automatic reply is due, or "". `owner` are all addresses of the owner, as they are written."""
    sender = run.envelope.sender
    addresses = {_key(address) for address in owner}
    if not sender:
        return "the envelope sender is empty"
    if _key(sender) in addresses:
        return "the owner sent the message"
    if _ROBOTS.fullmatch(sender.rpartition("@")[0]):
        return "the sender is a program or a list"
    return _reason_automatic(run.message.header) or _reason_not_personal(run.message.header, addresses)


def _key(address: str) -> str:
    return address.strip().lower()


def _reason_automatic(header: SieveHeader) -> str:
    for value in header.raw_values(b"auto-submitted"):
        if value.partition(b";")[0].strip().lower() != b"no":
            return "the message is automatic (Auto-Submitted)"
    if header.has_prefix(b"list-"):
        return "the message is from a list"
    if any(value.strip().lower() in _BULK for value in header.raw_values(b"precedence")):
        return "the message is bulk mail (Precedence)"
    for value in header.raw_values(b"x-auto-response-suppress"):
        if _SUPPRESSED & {word.strip().lower() for word in value.split(b",")}:
            return "the sender wants no automatic reply (X-Auto-Response-Suppress)"
    return ""


def _reason_not_personal(header: SieveHeader, addresses: set[str]) -> str:
    """RFC 5230 §4.5: the owner must be named as a recipient; unless no address of the owner is known at all."""
    if not addresses:
        return ""
    for name in _RECIPIENTS:
        for field in header.addresses(name):
            if any(_key(address.full.decode("utf-8", "replace")) in addresses for address in field):
                return ""
    return "the message is not addressed to the owner"
