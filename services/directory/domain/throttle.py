"""How many refused log-ins are borne, per account and per client address. Times come in, in seconds that never go back."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

import msgspec

_REMEMBERED = 20_000
_IPV6_NETWORK = 64


class Limits(msgspec.Struct, frozen=True):
    """Failures borne within `seconds`; and how long an address that logged in to an account is trusted there."""

    per_account: int
    per_address: int
    seconds: float
    trusted_seconds: float


class Throttle:
    """Counts refusals in memory, bounded: the oldest are forgotten first.

    Others' failures do not shut out an address that logged in to the account lately, so nobody can lock an owner out. A
    loopback address is many people behind one webmail, and is not counted.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._trusted: OrderedDict[tuple[str, str], float] = OrderedDict()

    def refuses(self, account: str, address: str, now: float) -> bool:
        """Whether a log-in is refused without a look at its password."""
        network = network_of(address)
        if network and self._count(f"address {network}", now) >= self._limits.per_address:
            return True
        if self._trusted.get((account, address), 0.0) > now:
            return self._count(f"own {account} {address}", now) >= self._limits.per_account
        return self._count(f"account {account}", now) >= self._limits.per_account

    def failed(self, account: str, address: str, now: float) -> None:
        """A log-in was refused."""
        trusted = self._trusted.get((account, address), 0.0) > now
        self._add(f"own {account} {address}" if trusted else f"account {account}", now)
        network = network_of(address)
        if network:
            self._add(f"address {network}", now)

    def succeeded(self, account: str, address: str, now: float) -> None:
        """A log-in was right: this address is trusted with this account."""
        self._failures.pop(f"own {account} {address}", None)
        if self._limits.trusted_seconds and address:
            self._trusted[account, address] = now + self._limits.trusted_seconds
            self._trusted.move_to_end((account, address))
            if len(self._trusted) > _REMEMBERED:
                self._trusted.popitem(last=False)

    def forgive_accounts(self) -> None:
        """Somebody has a new password or was enabled: a fresh start for accounts, not for addresses."""
        for key in [key for key in self._failures if not key.startswith("address ")]:
            del self._failures[key]

    def _count(self, key: str, now: float) -> int:
        count, until = self._failures.get(key, (0, 0.0))
        return count if until > now else 0

    def _add(self, key: str, now: float) -> None:
        self._failures[key] = (self._count(key, now) + 1, now + self._limits.seconds)
        self._failures.move_to_end(key)
        if len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)


def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, an IPv6 /64; empty for loopback and for what is no address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    mapped = getattr(ip, "ipv4_mapped", None) or ip
    if mapped.is_loopback:
        return ""
    return str(mapped) if mapped.version == 4 else str(ipaddress.ip_network((mapped, _IPV6_NETWORK), strict=False))
