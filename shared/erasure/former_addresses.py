"""Replaces the addresses of a deleted account in texts and in the data of events, as pure functions.

The replacement is the id of the account in the same domain, so that all that reads an address can still read it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

_LONG_WORD = re.compile(rb"[A-Za-z0-9+/]{16}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{12,}={0,2}")
_ADDRESS = re.compile(r"(?<![^\s<>\"(),:;@\[\]\\])([^\s<>\"(),:;@\[\]\\]+)@([^\s<>\"(),:;@\[\]\\=/'&?{}|]+)")
"""A localpart and a domain. A return path of SRS has the original address at its end, after equals signs."""
_DEPTH = 4
"""Payloads within payloads that are looked into."""


class FormerAddress(NamedTuple):
    """An address, the separators of its sub-addresses, and the time in which it was the account's (inclusive)."""

    address: str
    separators: str
    since: int
    until: int


class FormerAddresses:
    """All addresses that an account had."""

    def __init__(self, account: str, addresses: Iterable[FormerAddress]) -> None:
        self._account = account
        self._known = [(*_parts(former.address), former) for former in addresses]

    def text(self, text: str, at: int | None = None) -> str:
        """A text without the addresses; `at` is the time of what has the text, None for what is the account's."""
        if "@" not in text:
            return text

        def replaced(match: re.Match[str]) -> str:
            localpart, domain = match[1], match[2]
            kept, _, last = localpart.rpartition("=")
            if self._is_known(localpart.lstrip("'`"), domain, at):
                return f"{self._account}@{domain}"
            if kept and self._is_known(last, domain, at):
                return f"{kept}={self._account}@{domain}"
            return match[0]

        return _ADDRESS.sub(replaced, text)

    def _is_known(self, localpart: str, domain: str, at: int | None) -> bool:
        localpart, domain = localpart.lower(), domain.rstrip(".").lower()
        return any(
            domain == its_domain
            and (localpart == its_localpart or _is_tagged(localpart, its_localpart, former.separators))
            and (at is None or former.since <= at <= former.until)
            for its_localpart, its_domain, former in self._known
        )

    def data(self, data: bytes, at: int | None = None) -> bytes:
        """The data of an event (JSON) without the addresses, also in octets that it holds in base 64.

        Data that is not JSON, or that has no address, is returned as it is.
        """
        if not self._may_have(data):
            return data
        return self._json(data, at, _DEPTH)

    def _may_have(self, data: bytes) -> bool:
        if _LONG_WORD.search(data) is not None:
            return True
        lowered = data.decode("utf-8", "replace").lower()
        return any(localpart in lowered for localpart, _, _ in self._known)

    def _json(self, data: bytes, at: int | None, depth: int) -> bytes:
        try:
            known = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return data
        changed = self._value(known, at, depth)
        return data if changed == known else msgspec.json.encode(changed)

    def _value(self, value: Any, at: int | None, depth: int) -> Any:
        if isinstance(value, str):
            replaced = self.text(value, at)
            return self._octets(value, at, depth) if replaced == value and depth else replaced
        if isinstance(value, list):
            return [self._value(part, at, depth) for part in value]
        if isinstance(value, dict):
            return {name: self._value(part, at, depth) for name, part in value.items()}
        return value

    def _octets(self, value: str, at: int | None, depth: int) -> str:
        """A text in base 64 without the addresses in the octets that it stands for."""
        if len(value) % 4 or _BASE64.fullmatch(value) is None:
            return value
        try:
            octets = base64.b64decode(value, validate=True)
        except binascii.Error:
            return value
        changed = self._json(octets, at, depth - 1) if octets.startswith(b"{") else octets
        if changed == octets:
            changed = self.text(octets.decode("utf-8", "surrogateescape"), at).encode("utf-8", "surrogateescape")
        return value if changed == octets else base64.b64encode(changed).decode()


def _parts(address: str) -> tuple[str, str]:
    localpart, _, domain = address.lower().rpartition("@")
    return localpart, domain


def _is_tagged(localpart: str, whole: str, separators: str) -> bool:
    """Whether a localpart is that of a sub-address (RFC 5233)."""
    return localpart.startswith(whole) and localpart[len(whole) : len(whole) + 1] in tuple(separators)
