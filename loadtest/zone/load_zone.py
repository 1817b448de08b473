"""The zone that makes the load's mail pass SPF, DKIM and DMARC."""

from __future__ import annotations

from collections.abc import Iterable

from loadtest.content.senders import CLIENT_ADDRESSES, SELECTOR, relay_name, sender_domains
from loadtest.content.signing_key import public_key_text
from loadtest.zone.data import Zone

LOOPBACK = "127.0.0.0/8"


def load_zone(
    recipient_domain: str = "bench.test", permitted: Iterable[str] = (), clients: Iterable[str] = CLIENT_ADDRESSES
) -> Zone:
    """A, MX, SPF, DKIM key and DMARC of all senders, and PTR of all clients.

    `permitted` are networks that may send besides loopback; `clients` are the addresses that get a name.
    """
    zone, spf = Zone(), _spf(permitted)
    for domain in sender_domains():
        _add_sender(zone, domain, spf)
    for address in clients:
        zone.add_host(relay_name(address), address)
        zone.add(relay_name(address), "TXT", spf)
    zone.add_host(f"mx.{recipient_domain}", "127.0.0.1")
    zone.add(recipient_domain, "MX", f"10 mx.{recipient_domain}.")
    return zone


def _add_sender(zone: Zone, domain: str, spf: str) -> None:
    zone.add(domain, "A", "127.0.0.2")
    zone.add(domain, "MX", f"10 mail.{domain}.")
    zone.add(f"mail.{domain}", "A", "127.0.0.2")
    zone.add(domain, "TXT", spf)
    zone.add(f"{SELECTOR}._domainkey.{domain}", "TXT", f"v=DKIM1; k=rsa; p={public_key_text()}")
    zone.add(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}")


def _spf(permitted: Iterable[str]) -> str:
    networks = " ".join(f"{'ip6' if ':' in network else 'ip4'}:{network}" for network in (LOOPBACK, *permitted))
    return f"v=spf1 {networks} ip6:::1 mx -all"
