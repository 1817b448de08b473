"""The base64 of SASL exchanges (RFC 4648 §4): one line, nothing but the alphabet, padding complete."""

import binascii
from typing import Final

LINE_LIMIT: Final = 12288  # octets: RFC 4954 §4 asks for this much, with the CRLF


def encode_base64(data: bytes) -> bytes:
    """Base64 without a line end."""
    return binascii.b2a_base64(data, newline=False)


def decode_base64(line: bytes) -> bytes:
    """The octets of a base64 line. Raises ValueError for any character, padding or length that does not belong."""
    return binascii.a2b_base64(line, strict_mode=True)
