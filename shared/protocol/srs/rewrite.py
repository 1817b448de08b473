"""The Sender Rewriting Scheme: a reverse-path in our own domain for mail that we forward, so that SPF passes.

    SRS0=hash=stamp=domain=localpart          the sender, as we got it
    SRS1=stamp hash=host=rest of SRS0         the sender was rewritten by `host` already; bounces go there directly
    SRSX=hash=stamp=token                     the sender is too long, and is stored under the token

There is no RFC. The forms are those of the SRS paper (M. Weber, S. Wong, 2004), so that other forwarders shorten our
addresses to SRS1; SRSX is a plain address for them. Who reverses an address must also see that it is used for a null
reverse-path, or must limit its use: else whoever has seen it can send mail to its sender through us.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TypeAlias

import msgspec

from shared.protocol.address.address import Address, make_address
from shared.protocol.address.domain import AddressError, parse_domain
from shared.protocol.srs.proof import (
    HASH,
    MAX_AGE,
    STAMP,
    NoReturnAddress,
    fitting,
    is_hash,
    read_stamp,
    write_hash,
    write_stamp,
)

_WITHOUT_CASE = re.ASCII | re.IGNORECASE | re.DOTALL
# Other sites use `-` and `+` for the first separator too, and their own hashes.
_REST = "[-+=][^=]+=[^=]+=[^=]+=.+"
_FOREIGN_SRS0 = re.compile(f"SRS0({_REST})", _WITHOUT_CASE)
_FOREIGN_SRS1 = re.compile(f"SRS1[-+=][^=]+=([^=]+)=({_REST})", _WITHOUT_CASE)
_REWRITTEN = re.compile("SRS[01X][-+=]", _WITHOUT_CASE)
_SRS0 = re.compile(f"SRS0=(?P<hash>{HASH})=(?P<stamp>{STAMP})=(?P<domain>[^=]+)=(?P<localpart>.+)", _WITHOUT_CASE)
_SRS1 = re.compile(f"SRS1=(?P<stamp>{STAMP})(?P<hash>{HASH})=(?P<domain>[^=]+)=(?P<localpart>{_REST})", _WITHOUT_CASE)
_SRSX = re.compile(f"SRSX=(?P<hash>{HASH})=(?P<stamp>{STAMP})=(?P<token>[a-z0-9]{{1,32}})", _WITHOUT_CASE)
_TOKEN = re.compile("[A-Za-z0-9]{1,32}")


class StoredSender(msgspec.Struct, frozen=True):
    """The sender is the one that the caller has stored under this token."""

    token: str
    """In lower case."""


Reversed: TypeAlias = Address | StoredSender | NoReturnAddress


def is_rewritten(localpart: str) -> bool:
    """Whether a localpart has one of the forms of a rewritten address, whoever wrote it; it proves nothing."""
    return _REWRITTEN.match(localpart) is not None


def forward(sender: Address | None, domain: str, secrets: Sequence[bytes], day: int) -> Address | None:
    """The reverse-path for a forwarded message, in `domain`, which is ours and canonical.

    The null reverse-path (None) stays null (RFC 5321 §4.5.5), and an address of this domain stays as it is. Raises
    LocalpartTooLong: then the caller stores the sender, for as long as bounces may come, and uses `forward_stored`. A
    UTF-8 localpart stays as it is, so the message still needs SMTPUTF8.
    `secrets` are 16 octets or more, the current one first; `day` is counted from 1970-01-01 in UTC.
    """
    if sender is None or sender.domain == domain:
        return sender
    first, rest = _first_forwarder(sender)
    if not rest:
        proof = f"{write_hash(secrets, 'SRS0', day, sender.domain, sender.localpart)}={write_stamp(day)}"
        return Address(fitting(f"SRS0={proof}={sender.domain}={sender.localpart}"), domain)
    if first == domain:
        return Address(fitting(f"SRS0{rest}"), domain)  # our own, which came back to us
    proof = write_stamp(day) + write_hash(secrets, "SRS1", day, first, rest)
    return Address(fitting(f"SRS1={proof}={first}={rest}"), domain)


def forward_stored(token: str, domain: str, secrets: Sequence[bytes], day: int) -> Address:
    """The reverse-path for a message whose sender is stored under a token.

    Raises ValueError when the token is not 1 to 32 ASCII letters and digits. Tokens that differ in case only are the
    same.
    """
    if _TOKEN.fullmatch(token) is None:
        raise ValueError("a token has 1 to 32 letters and digits")
    return Address(f"SRSX={write_hash(secrets, 'SRSX', day, token)}={write_stamp(day)}={token.lower()}", domain)


def reverse(
    address: Address, domains: Collection[str], secrets: Sequence[bytes], day: int, max_age: int = MAX_AGE
) -> Reversed:
    """The address to which a bounce to `address` goes on; `domains` are the canonical domains where we write SRS.

    The localpart has the case in which the address came back. `max_age` is in days.
    """
    if address.domain not in domains:
        return NoReturnAddress("not_ours")
    if not is_rewritten(address.localpart):
        return NoReturnAddress("not_rewritten")
    for form, pattern in (("SRS0", _SRS0), ("SRS1", _SRS1), ("SRSX", _SRSX)):
        match = pattern.fullmatch(address.localpart)
        if match is not None:
            return _reversed(form, match.groupdict(), secrets, day, max_age)
    return NoReturnAddress("malformed")


def _first_forwarder(sender: Address) -> tuple[str, str]:
    """The host that rewrote the sender first, and what follows SRS0 in its address; empty for a plain address."""
    match = _FOREIGN_SRS0.fullmatch(sender.localpart)
    if match is not None:
        return sender.domain, match[1]
    match = _FOREIGN_SRS1.fullmatch(sender.localpart)
    if match is None:
        return "", ""
    try:
        return parse_domain(match[1]), match[2]
    except AddressError:
        return "", ""


def _reversed(form: str, written: dict[str, str], secrets: Sequence[bytes], day: int, max_age: int) -> Reversed:
    stamped = read_stamp(written.pop("stamp"), day)
    if not is_hash(written.pop("hash"), secrets, form, stamped, *written.values()):
        return NoReturnAddress("forged")
    if day - stamped > max_age:
        return NoReturnAddress("expired")
    if form == "SRSX":
        return StoredSender(written["token"].lower())
    localpart = written["localpart"]
    try:
        return make_address(f"SRS0{localpart}" if form == "SRS1" else localpart, written["domain"])
    except AddressError:
        return NoReturnAddress("malformed")
