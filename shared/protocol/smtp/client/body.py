"""The octets of a message as DATA sends them (RFC 5321 §4.5.2): a dot is added before a leading dot."""

from typing import Final

from shared.protocol.smtp.body import has_bare_newline

_CR: Final = b"\r"
_CRLF: Final = b"\r\n"
_DOT: Final = b"."
_LEADING: Final = b"\r\n."
_STUFFED: Final = b"\r\n.."


class BareNewlineSent(ValueError):
    """The message has a CR or LF that is not part of CRLF.

    Some servers would read ``LF . CRLF`` as the end of the message and what follows as commands, so it is never sent
    by DATA (RFC 5321 §2.3.8).
    """


class DotEncoder:
    """Encodes the pieces of one message, however it is cut. Holds at most one octet."""

    __slots__ = ("_at_line_start", "_held")

    def __init__(self) -> None:
        self._at_line_start = True
        self._held = b""  # a CR at the end of a piece, which an LF must follow

    def encode(self, piece: bytes) -> bytes:
        """The octets to send now. Raises BareNewlineSent."""
        if self._held:
            piece = self._held + piece
            self._held = b""
        if piece.endswith(_CR):
            self._held = _CR
            piece = piece[:-1]
        if not piece:
            return b""
        if has_bare_newline(piece):
            raise BareNewlineSent
        encoded = piece.replace(_LEADING, _STUFFED)
        if self._at_line_start and piece.startswith(_DOT):
            encoded = _DOT + encoded
        self._at_line_start = piece.endswith(_CRLF)
        return encoded

    def finish(self) -> bytes:
        """The end of the message: CRLF where its last line has none, and the final dot. Raises BareNewlineSent."""
        if self._held:
            raise BareNewlineSent
        return b".\r\n" if self._at_line_start else b"\r\n.\r\n"
