"""Seals a message: writes an ARC set (RFC 8617 §5.1).

The order is: validate the chain as the message came, change the message, sign it (DKIM), and seal it last, because a
seal is only worth something for the message that leaves. Earlier sets stay as they are, octet for octet.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.protocol.arc.chain import NAMES, canonical_fields, read_chain, sealed_octets
from shared.protocol.arc.result import MOST_SETS, ChainResult
from shared.protocol.dkim.canonical import HeaderFields, canonical_field, signing_input
from shared.protocol.dkim.folding import base64_text, folded, name_words, wrapped
from shared.protocol.dkim.profile import BOTH, SigningProfile
from shared.protocol.dkim.result import VerifyLimits
from shared.protocol.dkim.sign import MOST_OF_A_NAME, signed_names
from shared.protocol.dkim.signing_key import SigningKey

_UNSIGNED_NAMES = frozenset({b"authentication-results", *NAMES})  # §4.1.2
_FIELD_OCTETS = VerifyLimits().field_octets


def may_seal(chain: ChainResult) -> bool:
    """Whether a set may be added: not after cv=fail, and not after 50 sets (§4.2.1, §5.1)."""
    return not chain.is_ended and chain.instance < MOST_SETS


def seal(
    header_block: bytes,
    body_hash: bytes,
    key: SigningKey,
    chain: ChainResult,
    results: bytes,
    now: int,
    names: Sequence[bytes] | None = None,
) -> bytes:
    """A set of three fields with CRLF, to be put in front of the header; b"" when no set may be added.

    `header_block` is the final header with CRLF line ends, earlier sets and DKIM signatures included, and `body_hash`
    the relaxed SHA-256 of the final body (`dkim.sign.hash_body`). `chain` is the verdict on the message as it came:
    after a failed chain the seal covers its own set only (§5.1.2). `results` is the authres-payload, from
    `arc.payload`. `now` is UTC microseconds. `names` are the lower-case names of the fields to be
    signed; without them, `message_signature_names`. Raises ValueError when the sets in the header are not those of the
    verdict, and for names without From or with fields that must not be signed.
    """
    if not may_seal(chain):
        return b""
    header = HeaderFields(header_block)
    earlier = read_chain(header, _FIELD_OCTETS)
    if earlier.instance != chain.instance or (earlier.fault and chain.status != "fail"):
        raise ValueError("the sets in the header are not those that were validated")
    instance = chain.instance + 1
    results_field = b"ARC-Authentication-Results: i=%d; " % instance + results
    names = message_signature_names(header) if names is None else _checked(names)
    signature = _message_signature(header, names, body_hash, key, instance, now)
    covered = canonical_fields(earlier.sets) if chain.status == "pass" else []
    covered += [canonical_field(field, "relaxed") + b"\r\n" for field in (results_field, signature)]
    words = [f"i={instance};", *_key_words(key), f"t={now // 1_000_000};", f"cv={chain.status};"]
    unsigned = folded("ARC-Seal", words) + b"\r\n b="
    seal_field = unsigned + wrapped(base64_text(key.sign(sealed_octets(covered, unsigned))))
    return b"\r\n".join((seal_field, signature, results_field, b""))


def message_signature_names(header: HeaderFields, profile: SigningProfile = BOTH) -> tuple[bytes, ...]:
    """h=: the fields that DKIM signs, and the DKIM signatures, which this seal vouches for (§4.1.2)."""
    signatures = min(len(header.named(b"dkim-signature")), MOST_OF_A_NAME)
    return (*signed_names(header, profile), *[b"dkim-signature"] * signatures)


def _checked(names: Sequence[bytes]) -> Sequence[bytes]:
    if b"from" not in names or not _UNSIGNED_NAMES.isdisjoint(names):
        raise ValueError("From is signed, and neither ARC fields nor Authentication-Results")
    return names


def _message_signature(
    header: HeaderFields, names: Sequence[bytes], body_hash: bytes, key: SigningKey, instance: int, now: int
) -> bytes:
    words = [
        f"i={instance};",
        *_key_words(key),
        "c=relaxed/relaxed;",
        f"t={now // 1_000_000};",
        *name_words(names),
        f"bh={base64_text(body_hash)};",
    ]
    unsigned = folded("ARC-Message-Signature", words) + b"\r\n b="
    value = key.sign(signing_input(header.select(names), unsigned, "relaxed"))
    return unsigned + wrapped(base64_text(value))


def _key_words(key: SigningKey) -> tuple[str, str, str]:
    return f"a={key.algorithm};", f"d={key.domain};", f"s={key.selector};"
