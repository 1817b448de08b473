"""Lines about mail signatures: their versions, and what became of them in a mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mailfold.trace.names import Names
from shared.events import outbound, signatures
from shared.protocol.message.mail_signature.outcome import SkipReason

_REASONS: Mapping[str, str] = {
    SkipReason.NO_SIGNATURE: "it is blank",
    SkipReason.AUTOMATIC: "a program wrote the mail (`mailfold domain set DOMAIN signature_automatic on`)",
    SkipReason.SIGNED: "the mail is signed or encrypted",
    SkipReason.PGP_TEXT: "a text is signed or encrypted with PGP",
    SkipReason.REPORT: "the mail is a report",
    SkipReason.CALENDAR: "the mail is an invitation or a reply to one",
    SkipReason.NO_TEXT: "the mail has no text of its sender",
    SkipReason.OTHER_ALTERNATIVE: "an alternative of the text is neither plain text nor HTML",
    SkipReason.ALREADY_THERE: "the text has it already",
    SkipReason.TOO_LARGE: "the texts are too large",
    SkipReason.TOO_MANY_PARTS: "the mail has too many parts",
    SkipReason.BROKEN_STRUCTURE: "the structure of the mail is broken",
    SkipReason.UNKNOWN_ENCODING: "the encoding of a text is not known",
    SkipReason.BROKEN_ENCODING: "the encoding of a text is broken",
    SkipReason.UNKNOWN_CHARSET: "the charset of a text is not known",
    SkipReason.BROKEN_CHARSET: "a text is not of the charset that it names",
    "missing": "the directory has no such version",
}


def written(event: signatures.SignatureWritten, _names: Names) -> Iterator[str]:
    """A version of a mail signature."""
    yield f"mail signature {event.id}: {len(event.text)} characters of text, {len(event.html)} of HTML"


def field_changed(event: signatures.UserFieldChanged, names: Names) -> Iterator[str]:
    """A field of a user."""
    yield f"field {event.name} of {names.of(event.id)}: {event.previous or '(none)'} → {event.value or '(none)'}"


def placed(event: outbound.OutboundSignaturePlaced, _names: Names) -> Iterator[str]:
    """The mail got its mail signature."""
    yield f"mail signature {event.signature} placed before the mail was signed"
    for text in event.texts:
        kind = " ".join(filter(None, (text.encoding, text.charset)))
        where = "above the quotation" if text.position == "above-quotation" else "at the end"
        yield f"  {where} of part {text.part} (text/{text.subtype}{f', {kind}' if kind else ''})"


def skipped(event: outbound.OutboundSignatureSkipped, _names: Names) -> Iterator[str]:
    """The mail left as it was stored."""
    because = _REASONS.get(event.reason, event.reason)
    part = f", part {event.part}" if event.part else ""
    yield f"sent without the mail signature {event.signature}: {because} ({event.reason}{part})"
