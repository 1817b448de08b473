"""The author and signatures of a received message, which the checks of its sender read from its header."""

from __future__ import annotations

from typing import NamedTuple

from services.ingress.domain.header import from_values
from shared.protocol.dkim.verify import Verifier
from shared.protocol.dmarc.author import Authors, read_authors


class Authorship(NamedTuple):
    """The author domains and the DKIM verifier. The verifier must be fed the body before it has results."""

    from_values: tuple[str, ...]
    authors: Authors
    verifier: Verifier


def authorship_of(header_block: bytes) -> Authorship:
    """Read the header, which must be as received because signatures cover it."""
    values = from_values(header_block)
    return Authorship(values, read_authors(values), Verifier(header_block))
