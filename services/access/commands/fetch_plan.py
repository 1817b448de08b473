"""Plans a FETCH: what its items need from the mailstore, from the session, and from the message's bytes."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from shared.protocol.imap.fetch import (
    BinarySection,
    BinarySize,
    BodySection,
    FetchAttribute,
    FetchItem,
    PreviewItem,
    sets_seen,
)

SectionItem = BodySection | BinarySection | BinarySize
ContentItem = SectionItem | PreviewItem


class FetchPlan(msgspec.Struct, frozen=True):
    """The needs of a list of items."""

    flags: bool
    uid: bool
    modseq: bool
    marks_seen: bool
    contents: tuple[ContentItem, ...]
    """The items that are read from the message's bytes."""
    needs_scan: bool
    """Whether any item is more than a range of the whole message."""
    attributes: tuple[str, ...]
    """The fields of FetchRequest to set; the mailstore returns these attributes ready to be sent."""
    whole: bytes
    """The label of the only item that is read from the message's bytes, when that is the whole message; else empty."""

    @property
    def reads_bodies(self) -> bool:
        """Whether more than headers is read from the message's bytes."""
        return any(map(reads_body, self.contents))

    @property
    def shows_previews(self) -> bool:
        """Whether previews are asked for."""
        return any(isinstance(item, PreviewItem) for item in self.contents)

    @property
    def reads_sections(self) -> bool:
        """Whether more than previews is read from the message's bytes."""
        return not all(isinstance(item, PreviewItem) for item in self.contents)

    @property
    def is_lazy(self) -> bool:
        """Whether only previews at hand are asked for (RFC 8970 §3.1)."""
        return all(isinstance(item, PreviewItem) and item.is_lazy for item in self.contents)

    @property
    def is_flags_alone(self) -> bool:
        """Whether flags are all that is asked of the mailstore."""
        return self.flags and not (self.modseq or self.marks_seen or self.contents or self.attributes)

    @property
    def is_uid_alone(self) -> bool:
        """Whether the view alone can answer the items."""
        return self.uid and not (self.flags or self.modseq or self.marks_seen or self.contents or self.attributes)


_FIELDS = {
    FetchAttribute.ENVELOPE: "envelope",
    FetchAttribute.BODY: "body",
    FetchAttribute.BODYSTRUCTURE: "body_structure",
    FetchAttribute.RFC822_SIZE: "size",
    FetchAttribute.INTERNALDATE: "internal_date",
    FetchAttribute.EMAILID: "email_id",
    FetchAttribute.THREADID: "thread_id",
    FetchAttribute.SAVEDATE: "save_date",
}


@lru_cache(maxsize=512)
def plan_of(items: tuple[FetchItem, ...]) -> FetchPlan:
    """The plan of a list of items; cached, because clients send the same few lists again and again."""
    contents = tuple(item for item in items if isinstance(item, ContentItem))
    return FetchPlan(
        flags=FetchAttribute.FLAGS in items,
        uid=FetchAttribute.UID in items,
        modseq=FetchAttribute.MODSEQ in items,
        marks_seen=sets_seen(items),
        contents=contents,
        needs_scan=any(map(_needs_scan, contents)),
        attributes=tuple(_FIELDS[item] for item in items if isinstance(item, FetchAttribute) and item in _FIELDS),
        whole=_whole_label(contents),
    )


def _whole_label(contents: tuple[ContentItem, ...]) -> bytes:
    if len(contents) != 1 or not isinstance(contents[0], BodySection):
        return b""
    section, partial = contents[0].section, contents[0].partial
    return contents[0].label if partial is None and not (section.part or section.text or section.fields) else b""


def reads_body(item: ContentItem) -> bool:
    """Whether an item shows more than headers."""
    if isinstance(item, BodySection):
        return not item.section.text.startswith(("HEADER", "MIME"))
    return isinstance(item, BinarySection)


def _needs_scan(item: ContentItem) -> bool:
    return not isinstance(item, BodySection) or bool(item.section.part or item.section.text)
