"""Short references that a person can read over the telephone.

A refusal ends in a reference, by which the event log finds it.
"""

import hashlib
from typing import Final

REFERENCE_LENGTH: Final = 10  # characters of 5 bits
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_AS_TYPED: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def reference(session_id: str, counter: int) -> str:
    """The reference of a session's refusal number ``counter``.

    Equal arguments always give the same ten characters.
    """
    digest = hashlib.blake2b(
        f"{session_id}\0{counter}".encode("utf-8", "surrogatepass"), digest_size=8, person=b"mailfold-ref"
    ).digest()
    number = int.from_bytes(digest, "big")
    return "".join([_ALPHABET[number >> shift & 31] for shift in range(0, 5 * REFERENCE_LENGTH, 5)])


def as_typed(text: str) -> str:
    """A reference as a person typed it, in the form that ``reference`` returns."""
    return text.upper().translate(_AS_TYPED)
