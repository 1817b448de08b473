"""The DNS zone that servers under test see: senders that pass, that fail, and that publish nothing."""

from __future__ import annotations

from loadtest.content.signing_key import public_key_text
from loadtest.zone.data import Zone
from tests.harness.mails import SELECTOR
from tests.harness.people import DOMAIN, SENDING_DOMAIN

HONEST = "honest.example"
"""A sender whose SPF allows loopback, with a DKIM key and DMARC p=reject."""
FORGED = "forged.example"
"""A sender whose SPF allows nobody, with DMARC p=reject: a mail with this sender in a test is forged."""
ELSEWHERE = "elsewhere.example"
"""A domain to which tests send; its server is at the loopback address."""
SILENT = "silent.example"
"""A sender without SPF, key and policy."""


def sample_zone() -> Zone:
    """A zone with all of these, and a name for loopback."""
    zone = Zone()
    zone.add_host("client.honest.example", "127.0.0.1")
    _add_sender(zone, HONEST, "v=spf1 ip4:127.0.0.0/8 ip6:::1 -all")
    _add_sender(zone, FORGED, "v=spf1 -all")
    zone.add(SILENT, "A", "192.0.2.3")
    for domain in (DOMAIN, SENDING_DOMAIN):
        zone.add(domain, "MX", f"10 mx.{DOMAIN}.")
        zone.add(domain, "TXT", "v=spf1 mx -all")
    zone.add(f"mx.{DOMAIN}", "A", "127.0.0.1")
    zone.add(ELSEWHERE, "MX", f"10 mx.{ELSEWHERE}.")
    zone.add(f"mx.{ELSEWHERE}", "A", "127.0.0.1")
    return zone


def _add_sender(zone: Zone, domain: str, spf: str) -> None:
    zone.add(domain, "A", "192.0.2.2")
    zone.add(domain, "TXT", spf)
    zone.add(f"{SELECTOR}._domainkey.{domain}", "TXT", f"v=DKIM1; k=rsa; p={public_key_text()}")
    zone.add(f"_dmarc.{domain}", "TXT", "v=DMARC1; p=reject")
