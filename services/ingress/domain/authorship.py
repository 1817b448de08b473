"""Whose name a received message bears, and who signed it: what the checks of its sender read of its header."""

from __future__ import annotations

from typing import NamedTuple

from services.ingress.domain.header import from_values
from shared.protocol.dkim.verify import Verifier
from shared.protocol.dmarc.author import Authors, read_authors


class Authorship(NamedTuple):
    """`verifier` must be fed the body before it has verdicts."""

    from_values: tuple[str, ...]
    authors: Authors
    verifier: Verifier


def authorship_of(header_block: bytes) -> Authorship:
    """What the header says. It must be as received: signatures cover it."""
    values = from_values(header_block)
    return Authorship(values, read_authors(values), Verifier(header_block))
