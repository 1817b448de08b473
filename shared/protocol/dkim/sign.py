"""Signs a message: relaxed/relaxed, RSA-SHA256 and Ed25519-SHA256 (RFC 6376 §5, RFC 8463).

The message must be in its final form (`shared.protocol.message.outgoing`), because what is signed is what is sent (RFC
6376 §5.3). The body is hashed once for all signatures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from shared.protocol.dkim.body import BodyHasher, BodyNeed
from shared.protocol.dkim.canonical import HeaderFields, canonical_field
from shared.protocol.dkim.folding import base64_text, folded, name_words, wrapped
from shared.protocol.dkim.profile import BOTH, OVERSIGNED_NAMES, SIGNED_NAMES, SigningProfile
from shared.protocol.dkim.signing_key import SigningKey

BODY_NEED = BodyNeed("relaxed", "sha256")
"""The body hash that `sign` needs."""

MOST_OF_A_NAME = 100
"""How often one name may be in h=. Of fields that occur more often, those on top are not signed."""

_METHOD: Final = "relaxed"


def hash_body(chunks: Iterable[bytes]) -> bytes:
    """The relaxed SHA-256 hash of a body, cut anywhere, for `sign` and `signatures`."""
    hasher = BodyHasher((BODY_NEED,))
    for chunk in chunks:
        hasher.feed(chunk)
    return hasher.finish()[BODY_NEED].digest


def signatures(
    header_block: bytes,
    body_hash: bytes,
    keys: Sequence[SigningKey],
    now: int,
    profile: SigningProfile = BOTH,
) -> bytes:
    """The DKIM-Signature fields that the profile demands and the keys allow, to be put in front of the header.

    For each kind of signature the first key of that kind is used; b"" when there is none. No signature covers another.
    The arguments are those of `sign`.
    """
    first: dict[str, SigningKey] = {}
    for key in keys:
        first.setdefault(key.key_type, key)
    chosen = [first[kind] for kind in profile.key_types if kind in first]
    if not chosen:
        return b""
    signed = _signed_part(header_block, body_hash, profile)
    return b"".join(_signature(signed, key, now, "") for key in chosen)


def sign(
    header_block: bytes,
    body_hash: bytes,
    key: SigningKey,
    now: int,
    identity: str = "",
    profile: SigningProfile = BOTH,
) -> bytes:
    """The DKIM-Signature field with CRLF, to be put in front of the header.

    `header_block` has CRLF line ends; `now` is UTC microseconds; `identity` (i=) is an address within the key's domain.
    """
    return _signature(_signed_part(header_block, body_hash, profile), key, now, identity)


class _SignedPart(NamedTuple):
    """What the signatures of one message have in common."""

    words: tuple[str, ...]
    """h= and bh= in pieces."""
    fields: bytes
    """The signed fields in canonical form."""


def _signed_part(header_block: bytes, body_hash: bytes, profile: SigningProfile) -> _SignedPart:
    header = HeaderFields(header_block)
    names = signed_names(header, profile)
    words = (*name_words(names), f"bh={base64_text(body_hash)};")
    return _SignedPart(words, b"".join(canonical_field(field, _METHOD) + b"\r\n" for field in header.select(names)))


def _signature(signed: _SignedPart, key: SigningKey, now: int, identity: str) -> bytes:
    words = [
        "v=1;",
        f"a={key.algorithm};",
        "c=relaxed/relaxed;",
        f"d={key.domain};",
        f"s={key.selector};",
        *([f"i={identity};"] if identity else ()),
        f"t={now // 1_000_000};",
        *signed.words,
    ]
    unsigned = folded("DKIM-Signature", words) + b"\r\n b="
    signature = key.sign(signed.fields + canonical_field(unsigned, _METHOD))
    return unsigned + wrapped(base64_text(signature)) + b"\r\n"


def signed_names(header: HeaderFields, profile: SigningProfile = BOTH) -> tuple[bytes, ...]:
    """h=: each name as often as it is signed, lower case (RFC 6376 §3.5, §5.4.2)."""
    return tuple(
        name
        for names, extra in ((OVERSIGNED_NAMES, 1), (SIGNED_NAMES, 0))
        for name in names
        if name not in profile.omitted
        for _ in range(min(len(header.named(name)) + extra, MOST_OF_A_NAME))
    )
