"""The previews of messages (RFC 8970), remembered by body, so that a listing is made once."""

from __future__ import annotations

from collections import OrderedDict

from shared.blobs.port import Blob
from shared.protocol.message.scan import Scan
from shared.protocol.message.text import preview_of
from shared.turns import Turns

_COST = 64 * 1024
"""Octets whose examination costs as much as a preview: some kilobytes are decoded, and markup is taken away."""


class Previews:
    """The previews that this process has made; the least recently used ones are forgotten."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._texts: OrderedDict[tuple[str, str], str] = OrderedDict()

    def known(self, account: str, blob: str) -> str | None:
        """The preview of a body of an account, if it is at hand; nobody learns what others have read."""
        text = self._texts.get((account, blob))
        if text is not None:
            self._texts.move_to_end((account, blob))
        return text

    async def made(self, account: str, blob: Blob, scan: Scan, turns: Turns) -> str:
        """The preview of a body. Raises BlobError."""
        text = self.known(account, blob.id)
        if text is None:
            text = self._texts[account, blob.id] = preview_of(scan, blob.read)
            await turns.spend(octets=_COST)
            if len(self._texts) > self._kept:
                self._texts.popitem(last=False)
        return text
