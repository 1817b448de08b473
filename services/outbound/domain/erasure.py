"""What the outbound queue records of the mails of a deleted account."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from shared.events.outbound import (
    OutboundBounced,
    OutboundCancelled,
    OutboundDeferred,
    OutboundDelayed,
    OutboundDelivered,
    OutboundExpired,
    OutboundHeld,
    OutboundLimitExceeded,
    OutboundQueued,
    OutboundReportFailed,
    OutboundReportMade,
    SendingAttempt,
)
from shared.eventstore.event import Event

_Attempted = TypeVar("_Attempted", OutboundDelivered, OutboundDeferred, OutboundBounced, OutboundExpired)


def without_contents(event: Event) -> Event | None:
    """An event of a mail that was only the account's, without addresses and texts.

    The domain of the recipient stays, because connections are counted by domain (RFC 8460).
    """
    match event:
        case OutboundQueued():
            return _queued(event)
        case OutboundDelivered():
            return _attempted(event)
        case OutboundDeferred():
            return msgspec.structs.replace(_attempted(event), reason="")
        case OutboundBounced():
            return msgspec.structs.replace(_attempted(event), reason="")
        case OutboundExpired():
            return msgspec.structs.replace(_attempted(event), reason="")
        case OutboundDelayed():
            return msgspec.structs.replace(event, recipient=_domain(event.recipient), reason="")
        case OutboundHeld() | OutboundCancelled():
            return msgspec.structs.replace(event, reason="")
        case OutboundLimitExceeded():
            return msgspec.structs.replace(event, address="", reason="")
        case OutboundReportMade():
            return msgspec.structs.replace(event, to="", author="", subject="", message_id="", prefix=b"")
        case OutboundReportFailed():
            return msgspec.structs.replace(event, to="", reason="")
        case _:
            return None


def _queued(event: OutboundQueued) -> OutboundQueued:
    return msgspec.structs.replace(
        event,
        recipient=_domain(event.recipient),
        forward_path=_domain(event.forward_path),
        reverse_path="",
        prefix=b"",
        orcpt="",
        envid="",
        message_id="",
        signature=None,
    )


def _attempted(event: _Attempted) -> _Attempted:
    attempt = event.attempt
    bare = _without_words(attempt) if attempt is not None else None
    return msgspec.structs.replace(event, recipient=_domain(event.recipient), attempt=bare)


def _without_words(attempt: SendingAttempt) -> SendingAttempt:
    """An attempt without what the servers said, in which addresses may be."""
    hosts = tuple(msgspec.structs.replace(host, reply="") for host in attempt.hosts)
    return msgspec.structs.replace(attempt, hosts=hosts, transcript=())


def _domain(address: str) -> str:
    """An address without its localpart; it still has a domain for all that reads one."""
    return f"@{address.rpartition('@')[2]}" if address else ""
