"""The transfer encoding of a changed text (RFC 2045 §6): decoded without loss, and encoded as before where possible."""

from __future__ import annotations

import binascii
import re
from typing import Final, NamedTuple

from shared.protocol.message.mail_signature.outcome import CannotPlace, SkipReason
from shared.protocol.message.outgoing.encoders import Target, encoded_pieces
from shared.protocol.message.outgoing.octets import survey
from shared.protocol.message.transfer import decode_transfer, is_known, pieces

_BLANKS: Final = b" \t\r\n"
# A line that could be a delimiter; the separator of a mail signature is none, because no boundary is empty.
_DASHES = re.compile(rb"^--(?! ?\r?$)", re.M)


class TransferForm(NamedTuple):
    """A text as it is transferred."""

    octets: bytes
    encoding: str


def decoded_transfer(body: bytes, encoding: str) -> bytes:
    """The octets of the text. Raises CannotPlace for an unknown encoding, and where a decoder would drop something."""
    if not is_known(encoding):
        raise CannotPlace(SkipReason.UNKNOWN_ENCODING)
    if encoding != "base64":
        return decode_transfer(body, encoding)
    text = body.translate(None, _BLANKS)
    if b"=" not in text:
        text += b"=" * (-len(text) % 4)
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise CannotPlace(SkipReason.BROKEN_ENCODING) from error


def encoded_transfer(octets: bytes, inserted: bytes, old: TransferForm) -> TransferForm:
    """The changed text, for the place of the old one. `inserted` are the new octets, or all when the charset changed.

    Nothing is sent with a line over 998 octets, nothing new has octets over 127 under the name 7bit, and no new line is
    taken for a delimiter.
    """
    encoding = _target(octets, inserted, old)
    if encoding is None:
        return TransferForm(octets, old.encoding)
    body = b"".join(encoded_pieces(pieces(octets), "", encoding))
    if encoding == "base64" and old.octets.endswith(b"\n"):
        body += b"\r\n"
    return TransferForm(body, encoding)


def _target(octets: bytes, inserted: bytes, old: TransferForm) -> Target | None:
    """The encoding, or None for the octets as they are."""
    if old.encoding == "base64":
        return "base64"
    traits = survey((octets,))
    text_form: Target = "base64" if traits.is_binary else "quoted-printable"
    if old.encoding == "quoted-printable" or traits.long_line or _DASHES.search(inserted):
        return text_form
    before = survey((old.octets,))
    is_new_in_7bit = traits.eight_bit and not before.eight_bit and old.encoding not in ("8bit", "binary")
    if is_new_in_7bit or (traits.is_binary and not before.is_binary):
        return text_form
    return None
