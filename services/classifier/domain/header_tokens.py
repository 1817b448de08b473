"""Converts header and structure to tokens: subject, author, writing program and structure, but not time and route."""

import re
from collections.abc import Iterator

from services.classifier.domain.message_view import MessageView
from services.classifier.domain.url_tokens import host_tokens
from services.classifier.domain.words import lower, words
from shared.protocol.message.scan import DisplayAddress, Part

# Fields whose presence or absence reveals the program that wrote the mail. They are written by the author's program,
# never on the way.
_ALWAYS_NAMED = ("in-reply-to", "references", "reply-to", "mime-version", "user-agent", "x-mailer", "to")
_TELLING = (
    *_ALWAYS_NAMED,
    *("x-priority", "organization", "cc", "bcc", "x-msmail-priority", "x-mimeole", "importance", "x-accept-language"),
    *(
        "content-disposition",
        "content-language",
        "content-class",
        "thread-index",
        "thread-topic",
        "autocrypt",
        "openpgp",
    ),
)
_PROGRAM_WORD = re.compile(r"[A-Za-z]{2,20}")
_RUN = re.compile(r"(.)\1+")
_SHAPE = str.maketrans(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "0" * 10 + "A" * 26 + "a" * 26, "\r\n"
)
_TRAILER = re.compile(r" {4,}\S+$")
_THREE_DIGITS = re.compile(r"\d{3}")


def header_tokens(view: MessageView) -> list[str]:
    """All tokens of header and structure except the words of the subject."""
    return [
        *_manners(view.subject),
        *_address_tokens("from:", view.from_),
        *_address_tokens("reply:", view.reply_to),
        *_field_tokens(view),
        *_identity_tokens(view),
        *(token for part in view.parts for token in _part_tokens(part)),
    ]


def subject_tokens(subject: str) -> list[str]:
    """The words of the subject in order, so that pairs of them can be made."""
    return [f"subject:{word}" for word in lower(words(subject))]


def _manners(subject: str) -> Iterator[str]:
    if subject.isupper():
        yield "subject:SHOUTED"
    if _TRAILER.search(subject):
        # a serial number far to the right, which spammers add so that no two subjects are equal
        yield "subject:TRAILER"


def _address_tokens(prefix: str, addresses: tuple[DisplayAddress, ...]) -> Iterator[str]:
    for display, address in addresses:
        local, _, domain = address.lower().rpartition("@")
        for word in lower(words(display)):
            yield prefix + word
        yield from host_tokens(f"{prefix}@", _unfolded(domain)[:100])
        yield f"{prefix}{_unfolded(local)[:40]}@"
        if _THREE_DIGITS.search(local):
            yield f"{prefix}DIGITS"
        if not display:
            yield f"{prefix}BARE"


def _field_tokens(view: MessageView) -> Iterator[str]:
    for name in _TELLING:
        if name in view.names:
            yield f"has:{name}"
        elif name in _ALWAYS_NAMED:
            yield f"no:{name}"
    for name in ("x-mailer", "user-agent", "organization"):
        for word in _PROGRAM_WORD.findall(view.fields.get(name, ""))[:4]:
            yield f"{name}:{word.lower()}"
    if priority := view.fields.get("x-priority"):
        yield f"x-priority:{_unfolded(priority)[:8]}"
    yield f"recipients:{min(view.recipients, 3)}"


def _identity_tokens(view: MessageView) -> Iterator[str]:
    """Tokens for the presence of Message-ID and Date and for the form of the Message-ID.

    The serial number and the time themselves are left out.
    """
    local, at, domain = view.message_id.rpartition("@")
    author = view.from_[0][1].rpartition("@")[2].lower() if view.from_ else ""
    if not view.has_date:
        yield "date:NONE"
    if not at:
        yield "message-id:BAD" if view.message_id else "message-id:NONE"
        return
    yield (
        "message-id:OWN" if author and domain.lower().endswith(".".join(author.split(".")[-2:])) else "message-id:OTHER"
    )
    shape = _RUN.sub(r"\1+", local[:80].translate(_SHAPE))
    yield f"message-id:{shape[:20]}"


def _part_tokens(part: Part) -> Iterator[str]:
    yield f"type:{_unfolded(part.content_type)[:40]}"
    yield f"encoding:{_unfolded(part.encoding)[:20]}"
    if part.media_type == "text":
        yield f"charset:{part.subtype[:10]}:{_unfolded(part.charset.lower())[:20]}"
    if part.filename:
        yield f"file:{_unfolded(part.filename.rpartition('.')[2].lower())[:10]}"


def _unfolded(text: str) -> str:
    return text.replace("\n", " ")
