"""The parts of an address that tests compare (RFC 5228 §2.7.4, RFC 5233)."""

from __future__ import annotations

from collections.abc import Callable

from shared.protocol.sieve.mail.header import MailAddress
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments

AddressPart = Callable[[ScriptRun, MailAddress], bytes | None]
"""The part of an address; None when the address has none, so that nothing can match."""


def address_part(arguments: Arguments) -> AddressPart:
    """The part that the arguments name; the whole address by default."""
    return _PARTS[arguments.chosen("localpart", "domain", "user", "detail") or "all"]


def _all(_run: ScriptRun, address: MailAddress) -> bytes | None:
    return address.full


def _localpart(_run: ScriptRun, address: MailAddress) -> bytes | None:
    return address.localpart if address.is_valid else None


def _domain(_run: ScriptRun, address: MailAddress) -> bytes | None:
    return address.domain if address.is_valid else None


def _user(run: ScriptRun, address: MailAddress) -> bytes | None:
    if not address.is_valid:
        return None
    at = _separator(run, address.localpart)
    return address.localpart if at < 0 else address.localpart[:at]


def _detail(run: ScriptRun, address: MailAddress) -> bytes | None:
    """RFC 5233 §4: without a separator there is no detail; with one and nothing behind it, the detail is empty."""
    at = _separator(run, address.localpart) if address.is_valid else -1
    return None if at < 0 else address.localpart[at + 1 :]


def _separator(run: ScriptRun, localpart: bytes) -> int:
    places = (localpart.find(separator.encode()) for separator in run.environment.separators)
    return min((place for place in places if place >= 0), default=-1)


_PARTS: dict[str, AddressPart] = {
    "all": _all,
    "localpart": _localpart,
    "domain": _domain,
    "user": _user,
    "detail": _detail,
}
