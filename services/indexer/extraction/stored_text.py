"""What is kept of an attachment."""

from __future__ import annotations

from dataclasses import dataclass

from services.indexer.extraction.port import ExtractionStatus


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """An attachment and what was read out of it. `detail` is for an operator."""

    path: str
    name: str
    media_type: str
    status: ExtractionStatus
    text: str
    detail: str


@dataclass(frozen=True, slots=True)
class FailedAttachment:
    """An attachment that was not read, or not entirely."""

    blob: str
    path: str
    name: str
    media_type: str
    status: ExtractionStatus
    detail: str
    version: str
    tries: int
