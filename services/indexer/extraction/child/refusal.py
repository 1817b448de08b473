"""Why no text, or no further text, comes out of a file."""

from __future__ import annotations

from services.indexer.extraction.port import ExtractionStatus


class Refused(Exception):
    """The file gives no (further) text; what was given before stays."""

    def __init__(self, status: ExtractionStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
