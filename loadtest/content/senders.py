"""The senders: domains, people, and the addresses from which the load comes."""

from __future__ import annotations

import random

from loadtest.content.vocabulary import words

DOMAIN_COUNT = 40
SELECTOR = "load"
RELAY_DOMAIN = "relay.example"
CLIENT_ADDRESSES = tuple(f"127.0.0.{number}" for number in range(10, 18))
"""Source addresses of the load: loopback addresses, which need no special rights."""

_TRADES = ("bakery", "harbour", "library", "orchard", "printer", "school", "studio", "tannery", "theatre", "workshop")
_GIVEN = words(
    """
    Adele Bruno Clara Dmitri Edith Felix Gina Hassan Inga Jonas Karin Luca Mira Nadia Otto Paula Rafael Selma Tobias
    Ursula Viktor Wanda Yusuf Zita
    """
)
_FAMILY = words(
    """
    Abel Bauer Conti Duval Eriksen Fuchs Grieg Horvat Ito Jung Koch Lind Mertens Nagy Okafor Pereira Roth Santos Thorn
    Ullrich Vidal Winter Yilmaz Zander
    """
)


def sender_domain(number: int) -> str:
    """One of the domains that send; `.example` is reserved (RFC 2606 §2)."""
    number %= DOMAIN_COUNT
    return f"{_TRADES[number % len(_TRADES)]}{number:02d}.example"


def sender_domains() -> list[str]:
    """All domains that send."""
    return [sender_domain(number) for number in range(DOMAIN_COUNT)]


def relay_name(address: str) -> str:
    """The EHLO name and PTR name of a client at `address`."""
    return f"out-{address.replace('.', '-').replace(':', '-')}.{RELAY_DOMAIN}"


def person(chance: random.Random) -> tuple[str, str]:
    """A display name and a matching localpart."""
    given, family = chance.choice(_GIVEN), chance.choice(_FAMILY)
    return f"{given} {family}", f"{given}.{family}".lower()
