"""The characters of a text that are not ASCII: few different ones in most mail, so what is done for each is done to all
bytes at once.
"""

_ASCII = bytes(range(128))
# Its lower case depends on what stands around it.
_SIGMA = "Σ"
# With more different ones, going through the text by character is faster.
_MANY = 60

Strange = frozenset[str]


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
