"""Which parts of a message are attachments whose text is extracted, and their octets.

They are the parts that reading does not look at (`search_texts`): not text, not messages, not images, sound or video.
The parts of attached messages are among them, because the scan of a message contains them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from services.indexer.extraction.kinds import is_examined
from services.indexer.extraction.port import Attachment
from shared.protocol.message.scan import Part, Scan
from shared.protocol.message.search_texts import StoredOctets
from shared.protocol.message.transfer import decode_pieces


def attached_parts(scan: Scan) -> Iterator[Part]:
    """The parts whose text is extracted, in their order."""
    return (part for part in scan.parts if part.size and is_examined(part.media_type, part.subtype))


def part_octets(body: StoredOctets, part: Part) -> Iterator[bytes]:
    """The decoded octets of a part, in pieces."""
    return decode_pieces(body.iterate(part.body_start, part.body_end), part.encoding)


def attachments_of(body: StoredOctets, scan: Scan) -> Iterator[Attachment]:
    """The attachments of a stored message whose text is extracted."""
    for part in attached_parts(scan):
        yield Attachment(part.number, part.filename, part.content_type, part.charset, partial(part_octets, body, part))
