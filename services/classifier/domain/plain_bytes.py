"""Text → the bytes that trigrams are made of: lower case, single spaces, and all digits one, so that no date or serial
number is learnt.
"""

from services.classifier.domain.strange import lowered, strange_characters

# What str.split takes for white space in ASCII, and bytes.split does not; and digits.
_SPACES, _DIGITS = b"\x1c\x1d\x1e\x1f", b"123456789"
_PLAIN = bytes.maketrans(_SPACES + _DIGITS, b" " * len(_SPACES) + b"0" * len(_DIGITS))


def plain_bytes(text: str) -> bytes:
    """The plain bytes of a text, in UTF-8."""
    data = text.encode("utf-8", "replace")
    strange = strange_characters(data)
    for char in strange:
        if char.isspace():
            data = data.replace(char.encode(), b" ")
    return b" ".join(lowered(data, strange).translate(_PLAIN).split())
