"""The non-ASCII characters of a text, and the bytes that trigrams are made of.

Most mail has few different such characters, so each is handled once for the whole text.
"""

_ASCII = bytes(range(128))
# The lower case of this character depends on its neighbours.
_SIGMA = "Σ"
# With more different characters than this, reading the text character by character is faster.
_MANY = 60

Strange = frozenset[str]
# White space of ASCII that str.split splits at and bytes.split does not; and the digits but 0.
_SPACES, _DIGITS = b"\x1c\x1d\x1e\x1f", b"123456789"
_PLAIN = bytes.maketrans(_SPACES + _DIGITS, b" " * len(_SPACES) + b"0" * len(_DIGITS))


def strange_characters(data: bytes) -> Strange:
    """The distinct non-ASCII characters in UTF-8 bytes."""
    return frozenset() if data.isascii() else frozenset(data.translate(None, _ASCII).decode())


def lowered(data: bytes, strange: Strange) -> bytes:
    """UTF-8 bytes in lower case, equal to what str.lower gives."""
    if _SIGMA in strange or len(strange) > _MANY:
        return data.decode().lower().encode()
    for char in strange:
        if (low := char.lower()) != char:
            data = data.replace(char.encode(), low.encode())
    return data.lower()


def lower(text: str) -> str:
    """The text in lower case, as str.lower gives it, but faster for text that is not all ASCII."""
    if text.isascii():
        return text.lower()
    data = text.encode("utf-8", "replace")
    return lowered(data, strange_characters(data)).decode()


def plain_bytes(text: str) -> bytes:
    """The bytes that trigrams are made of: UTF-8 in lower case, with single spaces, and every digit written as 0.

    So no date and no serial number is learned.
    """
    data = text.encode("utf-8", "replace")
    strange = strange_characters(data)
    for char in strange:
        if char.isspace():
            data = data.replace(char.encode(), b" ")
    return b" ".join(lowered(data, strange).translate(_PLAIN).split())
