"""Refusals that are about an address of ours: the other family of addresses is tried before they count.

A large receiver refuses an IPv6 address without a PTR record, or one that SPF does not name, while it takes the same
mail over IPv4; the reverse happens too.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from shared.events.outbound import HostAttempt
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.reply import Reply

_BEFORE_RCPT = frozenset({Stage.GREETING, Stage.HELLO, Stage.MAIL})
_ABOUT_CLIENT = frozenset({"5.7.1", "5.7.23", "5.7.24", "5.7.25", "5.7.26", "5.7.27"})
"""Statuses of policies about the client (RFC 3463 §3.8, RFC 7372 §3, RFC 7505 §4.2)."""
_ABOUT_ADDRESS = frozenset({"5.7.23", "5.7.24", "5.7.25"})
_WORDS = re.compile(r"\b(ipv[46]|ptr|spf|rdns|reverse[- ]dns)\b", re.IGNORECASE)


def family_of(address: str) -> str:
    """`IPv4` or `IPv6`; empty for a text that is no address."""
    try:
        return f"IPv{ip_address(address).version}"
    except ValueError:
        return ""


def is_about_our_address(stage: Stage, reply: Reply | None) -> bool:
    """Whether a reply refuses for a reason that may differ between our addresses.

    Before RCPT a policy is about this server; later it is so when it names SPF, a PTR record or a family.
    """
    if reply is None or reply.code < 500 or not reply.status.startswith("5.7."):
        return False
    if stage in _BEFORE_RCPT:
        return reply.status in _ABOUT_CLIENT
    return reply.status in _ABOUT_ADDRESS or _WORDS.search(" ".join(reply.text)) is not None


def refusal_text(host: HostAttempt) -> str:
    """For the operator: which family is refused, where, and in which words."""
    family = family_of(host.address)
    return (
        f"{host.host} refuses this server over {family} and takes its mail over the other family ({host.reply}); "
        f"check the PTR record and SPF for the {family} address"
    )
