"""The DKIM-Signature field: reads and checks its tags (RFC 6376 §3.5)."""

from __future__ import annotations

import re
from typing import Literal, cast

import msgspec

from shared.protocol.dkim.result import Canonicalization, DkimCode, DkimResult, HashName
from shared.protocol.dkim.tags import DkimSyntaxError, decode_base64, items, parse_tags, without_blank
from shared.protocol.dns.names import is_askable, to_a_labels

KeyType = Literal["rsa", "ed25519"]

_ALGORITHMS: dict[str, tuple[KeyType, HashName]] = {
    "rsa-sha256": ("rsa", "sha256"),
    "ed25519-sha256": ("ed25519", "sha256"),  # RFC 8463
    "rsa-sha1": ("rsa", "sha1"),
}
_METHODS = ("simple", "relaxed")
_NUMBER = re.compile(r"[0-9]{1,76}\Z")
_REQUIRED = ("v", "a", "b", "bh", "d", "h", "s")


class UnacceptableSignature(Exception):
    """A signature that cannot be verified or is refused, with its result code."""

    def __init__(self, code: DkimCode, reason: str) -> None:
        super().__init__(reason)
        self.code: DkimCode = code
        self.reason = reason


class Signature(msgspec.Struct, frozen=True, gc=False):
    """A well-formed signature."""

    field: bytes
    domain: str
    selector: str
    algorithm: str
    key_type: KeyType
    hash_name: HashName
    header_method: Canonicalization
    body_method: Canonicalization
    header_names: tuple[bytes, ...]
    body_hash: bytes
    value: bytes
    prefix: str
    identity: str
    length: int | None
    signed_at: int | None
    """t=, UTC seconds."""
    expires_at: int | None
    """x=, UTC seconds."""

    @property
    def key_name(self) -> str:
        """The DNS name of the public key (RFC 6376 §3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def read_tags(field: bytes) -> dict[str, str]:
    """The tags of a complete DKIM-Signature field. Raises DkimSyntaxError."""
    return parse_tags(field.partition(b":")[2].decode("utf-8", "replace"))


def read_signature(field: bytes, tags: dict[str, str]) -> Signature:
    """The signature of these tags.

    Raises DkimSyntaxError for a wrong form, and UnacceptableSignature for other faults.
    """
    missing = [name for name in _REQUIRED if not tags.get(name)]
    if missing:
        raise UnacceptableSignature("permerror", f"{missing[0]}= is missing")  # §6.1.1
    if tags["v"] != "1":
        raise UnacceptableSignature("neutral", "unknown version")
    if "dns/txt" not in items(tags.get("q", "dns/txt")):
        raise UnacceptableSignature("neutral", "unknown query method")
    key_type, hash_name = read_algorithm(tags["a"])
    header_method, body_method = _methods(tags.get("c", "simple/simple"))
    domain = read_domain(tags)
    signed_at, expires_at = _times(tags)
    return Signature(
        field=field,
        domain=domain,
        selector=read_selector(tags),
        algorithm=tags["a"].lower(),
        key_type=key_type,
        hash_name=hash_name,
        header_method=header_method,
        body_method=body_method,
        header_names=_header_names(tags["h"]),
        body_hash=decode_base64(tags["bh"], "bh"),
        value=decode_base64(tags["b"], "b"),
        prefix=_prefix(tags),
        identity=_identity(tags, domain),
        length=read_number(tags, "l"),
        signed_at=signed_at,
        expires_at=expires_at,
    )


def describe(tags: dict[str, str], code: DkimCode, reason: str) -> DkimResult:
    """A result with the values of the signature's tags."""
    domain = to_a_labels(tags.get("d", "")) or ""
    return DkimResult(
        code,
        domain,
        read_selector({"s": "", **tags}),
        tags.get("a", "").lower(),
        tags.get("i", f"@{domain}"),
        reason,
        signature_prefix=_prefix(tags),
    )


def _prefix(tags: dict[str, str]) -> str:
    """The beginning of b= (RFC 6008 §3)."""
    return without_blank(tags.get("b", ""))[:8]


def read_algorithm(name: str) -> tuple[KeyType, HashName]:
    """The kind of key and the hash of an a= value. Raises UnacceptableSignature for unknown ones and for SHA-1."""
    try:
        key_type, hash_name = _ALGORITHMS[name.lower()]
    except KeyError:
        raise UnacceptableSignature("neutral", f"unknown algorithm {name[:20]!r}") from None
    if hash_name == "sha1":
        raise UnacceptableSignature("policy", "rsa-sha1 is no longer accepted")  # RFC 8301 §3.1
    return key_type, hash_name


def _methods(value: str) -> tuple[Canonicalization, Canonicalization]:
    header, slash, body = value.lower().partition("/")
    body = body if slash else "simple"
    if header not in _METHODS or body not in _METHODS:
        raise UnacceptableSignature("neutral", f"unknown canonicalization {value[:20]!r}")
    return cast(Canonicalization, header), cast(Canonicalization, body)


def read_domain(tags: dict[str, str]) -> str:
    """d= in A-labels. Raises DkimSyntaxError when it cannot be asked for with s=."""
    domain = to_a_labels(tags["d"])  # RFC 8616 §5: d= and s= may be in U-labels
    if domain is None or not is_askable(f"{read_selector(tags)}._domainkey.{domain}") or " " in domain:
        raise DkimSyntaxError("d= or s= is no domain name")
    return domain


def read_selector(tags: dict[str, str]) -> str:
    """s= in A-labels; empty when that is impossible."""
    return to_a_labels(tags["s"]) or ""


def _identity(tags: dict[str, str], domain: str) -> str:
    """i=: its domain must be the signing domain or a subdomain (§3.5)."""
    if "i" not in tags:
        return f"@{domain}"
    local, at, host = without_blank(tags["i"]).rpartition("@")
    host = to_a_labels(host) or ""
    if not at or not (host == domain or host.endswith("." + domain)):
        raise UnacceptableSignature("permerror", "i= is not within d=")
    return f"{local}@{host}"


def _header_names(value: str) -> tuple[bytes, ...]:
    names = tuple(name.encode("utf-8") for name in items(value))
    if b"from" not in names:
        raise UnacceptableSignature("permerror", "From is not signed")  # §6.1.1
    return names


def _times(tags: dict[str, str]) -> tuple[int | None, int | None]:
    signed_at, expires_at = read_number(tags, "t"), read_number(tags, "x")
    if signed_at is not None and expires_at is not None and expires_at < signed_at:
        raise DkimSyntaxError("x= is before t=")
    return signed_at, expires_at


def read_number(tags: dict[str, str], name: str) -> int | None:
    """The number of a tag, or None without the tag. Raises DkimSyntaxError for other text."""
    value = tags.get(name)
    if value is None:
        return None
    if not _NUMBER.match(value):
        raise DkimSyntaxError(f"{name}= is not a number")
    return int(value)
