"""What became of the mail signature that was chosen for a mail, and the event that records it."""

from __future__ import annotations

import msgspec

from services.outbound.domain.entry import QueueEntry
from shared.events.outbound import OutboundSignaturePlaced, OutboundSignatureSkipped, SignedText
from shared.eventstore.event import Event
from shared.protocol.message.mail_signature.outcome import ChangedText, NotPlaced, PlacedSignature

MISSING = "missing"
"""The reason when the chosen version is not known any more."""


class HandledSignature(msgspec.Struct, frozen=True):
    """The texts that have the mail signature, or the reason for which the mail is sent as it is stored."""

    texts: tuple[ChangedText, ...] = ()
    reason: str = ""
    part: str = ""


def handled(outcome: PlacedSignature | NotPlaced | None) -> HandledSignature:
    """The outcome without the message; None stands for a version that is not known."""
    match outcome:
        case PlacedSignature(texts=texts):
            return HandledSignature(texts)
        case NotPlaced(reason, part):
            return HandledSignature((), reason.value, part)
        case None:
            return HandledSignature((), MISSING)


def signature_event(entry: QueueEntry, signature: HandledSignature | None) -> Event | None:
    """The event for the entry's stream; None when none was chosen, or an earlier attempt has recorded it."""
    chosen = entry.queued.signature
    if chosen is None or signature is None or entry.is_signature_recorded:
        return None
    queued = entry.queued
    if not signature.texts:
        return OutboundSignatureSkipped(queued.entry, queued.queue_id, chosen.id, signature.reason, signature.part)
    texts = tuple(
        SignedText(text.number, text.subtype, text.position.value, text.encoding, text.charset)
        for text in signature.texts
    )
    return OutboundSignaturePlaced(queued.entry, queued.queue_id, chosen.id, texts)
