"""BODY and BODYSTRUCTURE (RFC 3501 §7.4.2, grammar in §9) from the parts of a message, without recursion."""

from collections.abc import Sequence

from shared.protocol.message.content import Content
from shared.protocol.message.envelope import NO_ENVELOPE, wire_envelope
from shared.protocol.message.tree import Draft
from shared.protocol.message.wire import NIL, nstring, parameter_list, string, string_list

_EMPTY_TEXT = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0'  # RFC 2045 §5.2


def body_structures(drafts: Sequence[Draft]) -> tuple[bytes, bytes]:
    """BODY and BODYSTRUCTURE of a whole message."""
    writer = _Writer(drafts)
    for index, draft in enumerate(drafts):
        writer.add(index, draft)
    writer.close_until(-1)
    return b"".join(writer.plain), b"".join(writer.extended)


class _Writer:
    """Writes both forms in one pass over the parts; `plain` is `extended` without the extension data."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.plain: list[bytes] = []
        self.extended: list[bytes] = []
        self._drafts = drafts
        self._open: list[int] = []
        self._unshown: set[int] = set()

    def _write(self, text: bytes, extension: bytes = b"", end: bytes = b"") -> None:
        self.plain.append(text + end)
        self.extended.append(text + extension + end)

    def add(self, index: int, draft: Draft) -> None:
        if draft.parent in self._unshown:
            self._unshown.add(index)
            return
        self.close_until(draft.parent)
        if draft.is_multipart:
            self._write(b"(")
            self._open.append(index)
        elif draft.has_parts and _is_rfc822(draft):
            self._write(_fields(draft) + b" " + _envelope_of(self._drafts[index + 1]) + b" ")
            self._open.append(index)
        else:
            self._add_leaf(draft)
            if draft.has_parts:
                self._unshown.add(index)

    def _add_leaf(self, draft: Draft) -> None:
        self._write(_fields(draft))
        if _is_rfc822(draft):
            # The message is encoded, or beyond a limit: its contents are unknown, but the grammar requires an envelope
            # and a body here.
            self._write(b" %b %b" % (NO_ENVELOPE, _EMPTY_TEXT), b" NIL NIL NIL NIL", b")")
        lines = b" %d" % draft.lines if _is_rfc822(draft) or draft.type.media_type == b"text" else b""
        self._write(lines, _extension(draft.content), b")")

    def close_until(self, parent: int) -> None:
        """End every part that is not an ancestor of the next part."""
        while self._open and self._open[-1] != parent:
            draft = self._drafts[self._open.pop()]
            if draft.is_multipart:
                self._write(b" " + string(draft.type.subtype), _multipart_extension(draft), b")")
            else:
                self._write(b" %d" % draft.lines, _extension(draft.content), b")")


def _fields(draft: Draft) -> bytes:
    """`"("`, media type, `body-fields` (parameters, id, description, encoding, octets)."""
    kind, content = draft.type, draft.content
    return b"(%b %b %b %b %b %b %d" % (
        string(kind.media_type),
        string(kind.subtype),
        parameter_list(kind.parameters),
        nstring(content.content_id),
        nstring(content.description),
        string(kind.encoding),
        draft.body_end - draft.body_start,
    )


def _is_rfc822(draft: Draft) -> bool:
    """Whether the grammar treats the part as a message.

    message/global is a basic part in IMAP4rev1 (RFC 3501 §9 media-message), and its parts are not shown.
    """
    return draft.type.is_message and draft.type.subtype == b"rfc822"


def _envelope_of(message: Draft) -> bytes:
    return wire_envelope(message.envelope) if message.envelope else NO_ENVELOPE


def _extension(content: Content) -> bytes:
    """`body-ext-1part`: MD5, disposition, language, location."""
    return b" %b %b %b %b" % (
        nstring(content.md5),
        _disposition(content),
        string_list(content.language),
        nstring(content.location),
    )


def _multipart_extension(draft: Draft) -> bytes:
    """`body-ext-mpart`: parameters, disposition, language, location."""
    content = draft.content
    return b" %b %b %b %b" % (
        parameter_list(draft.type.parameters),
        _disposition(content),
        string_list(content.language),
        nstring(content.location),
    )


def _disposition(content: Content) -> bytes:
    if content.disposition is None:
        return NIL
    return b"(%b %b)" % (string(content.disposition), parameter_list(content.disposition_parameters))
