"""The characters of a text that are not ASCII: few different ones in most mail, so what is done for each is done to all
bytes at once. So it is for the bytes that trigrams are made of.
"""

_ASCII = bytes(range(128))
# Its lower case depends on what stands around it.
_SIGMA = "Σ"
# With more different ones, going through the text by character is faster.
_MANY = 60

Strange = frozenset[str]
# What str.split takes for white space in ASCII, and bytes.split does not; and digits.
_SPACES, _DIGITS = b"\x1c\x1d\x1e\x1f", b"123456789"
_PLAIN = bytes.maketrans(_SPACES + _DIGITS, b" " * len(_SPACES) + b"0" * len(_DIGITS))


def strange_characters(data: bytes) -> Strange:
    """The different characters of UTF-8 bytes that are not ASCII."""
    return frozenset() if data.isascii() else frozenset(data.translate(None, _ASCII).decode())


def lowered(data: bytes, strange: Strange) -> bytes:
    """UTF-8 bytes in lower case, as str.lower does it."""
    if _SIGMA in strange or len(strange) > _MANY:
        return data.decode().lower().encode()
    for char in strange:
        if (low := char.lower()) != char:
            data = data.replace(char.encode(), low.encode())
    return data.lower()


def lower(text: str) -> str:
    """str.lower, faster where not all is ASCII."""
    if text.isascii():
        return text.lower()
    data = text.encode("utf-8", "replace")
    return lowered(data, strange_characters(data)).decode()


def plain_bytes(text: str) -> bytes:
    """The bytes that trigrams are made of, in UTF-8: lower case, single spaces, and all digits one, so that no date or
    serial number is learnt.
    """
    data = text.encode("utf-8", "replace")
    strange = strange_characters(data)
    for char in strange:
        if char.isspace():
            data = data.replace(char.encode(), b" ")
    return b" ".join(lowered(data, strange).translate(_PLAIN).split())
