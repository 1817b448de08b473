"""Reads documents with kreuzberg, with everything switched off that is not the text: OCR, caches, models, images.

The library is loaded when the first document is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from services.indexer.extraction.child.refusal import Refused
from services.indexer.extraction.port import ExtractionStatus

if TYPE_CHECKING:
    from kreuzberg import ExtractionConfig

_PASSWORD = ("password", "encrypted")
_SECURITY = ("security", "limit exceeded", "too large", "too deep", "exceeds")


def document_text(octets: bytes, media_type: str) -> Iterator[str]:
    """The text of a document. Raises Refused, and what the library raises."""
    from kreuzberg import KreuzbergError, ParsingError, ValidationError, extract_bytes_sync

    try:
        result = extract_bytes_sync(octets, media_type, _config())
    except ValidationError as error:
        raise Refused(ExtractionStatus.UNSUPPORTED, str(error)) from None
    except (ParsingError, KreuzbergError) as error:
        raise Refused(_status_of(str(error).lower()), str(error)) from None
    yield result.content


def _status_of(message: str) -> ExtractionStatus:
    if any(word in message for word in _PASSWORD):
        return ExtractionStatus.ENCRYPTED
    return ExtractionStatus.LIMIT if any(word in message for word in _SECURITY) else ExtractionStatus.FAILED


@cache
def _config() -> ExtractionConfig:
    from kreuzberg import ConcurrencyConfig, ContentFilterConfig, ExtractionConfig

    # The types of the library do not know all of its options.
    options: dict[str, Any] = {
        "use_cache": False,
        "enable_quality_processing": False,
        "disable_ocr": True,
        "max_concurrent_extractions": 1,
        "concurrency": ConcurrencyConfig(max_threads=1),
        "output_format": "plain",
        "content_filter": ContentFilterConfig(include_headers=True, include_footers=True, strip_repeating_text=False),
    }
    return ExtractionConfig(**options)
