"""The author domains of a message, from its From field (RFC 7489 §6.6.1)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import msgspec

from shared.protocol.address import header

_MOST_FIELDS = 5
"""The number of From fields that are read. More than one is a fault already; the first few suffice to name the domains.
"""


class Authors(msgspec.Struct, frozen=True):
    """The distinct author domains of a message, and whether From can be read without doubt."""

    domains: tuple[str, ...]
    fault: str = ""
    """`no From`, `several From` or `unreadable From`; empty when the header conforms to RFC 5322 §3.6.2."""


def read_authors(from_values: Iterable[str]) -> Authors:
    """The author domains from the values of all From fields. Never raises."""
    lists = [header.read_authors(value) for value in itertools.islice(from_values, _MOST_FIELDS)]
    domains = tuple({address.domain: None for address_list in lists for address in address_list.addresses})
    return Authors(domains, _fault(len(lists), bool(domains), any(address_list.unreadable for address_list in lists)))


def _fault(fields: int, has_domain: bool, has_unreadable: bool) -> str:
    if not fields:
        return "no From"
    if has_unreadable or not has_domain:
        return "unreadable From"
    return "several From" if fields > 1 else ""
