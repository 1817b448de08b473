"""Removes fields from a header block; all other bytes stay unchanged."""

from collections.abc import Callable

from shared.protocol.message.headers import fields, unfold


def header_without(header_block: bytes, drop: Callable[[bytes, bytes], bool]) -> bytes:
    """The block without every field for which `drop(lower-case name, unfolded value)` is true.

    When no field is dropped, the same object is returned. Used to remove forged fields (RFC 8601 §5).
    """
    kept, at = [], 0
    for field in fields(header_block):
        if drop(field.name.lower(), unfold(header_block[field.value : field.end])):
            kept.append(header_block[at : field.start])
            at = field.end
    if not at:
        return header_block
    kept.append(header_block[at:])
    return b"".join(kept)
