"""The author, signatures and seals of a received message, which the checks of its sender read from its header."""

from __future__ import annotations

from typing import NamedTuple

from services.ingress.domain.header import from_values
from shared.protocol.arc.validate import ChainValidator
from shared.protocol.dkim.verify import Verifier
from shared.protocol.dmarc.author import Authors, read_authors


class Authorship(NamedTuple):
    """The author domains, the DKIM verifier and the ARC validator, which must be fed the body to have results."""

    from_values: tuple[str, ...]
    authors: Authors
    verifier: Verifier
    chain: ChainValidator | None = None
    """Only for a message that has ARC sets and is sent on: others need no verdict on their chain."""

    def feed(self, body: bytes) -> None:
        """The next octets of the body."""
        self.verifier.feed(body)
        if self.chain is not None:
            self.chain.feed(body)


def authorship_of(header_block: bytes, *, is_sent_on: bool = False) -> Authorship:
    """Read the header, which must be as received because signatures cover it.

    `is_sent_on` says that copies leave this server again, which are sealed.
    """
    values = from_values(header_block)
    chain = ChainValidator(header_block) if is_sent_on and b"arc-seal" in header_block.lower() else None
    return Authorship(values, read_authors(values), Verifier(header_block), chain)
