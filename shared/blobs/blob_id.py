"""Blob ids: `<generation>/<blake2b-256 of the body, hex>`. Every adapter uses the same text as its key."""

import hashlib
import re
from typing import NewType

from shared.blobs.errors import BadBlobId

BlobId = NewType("BlobId", str)

DIGEST_BYTES = 32
# `g0001`, or an id of kind BLOB_GENERATION. It begins with g, so it is never the name of one of the adapter's own
# folders.
_GENERATION = re.compile(r"g[0-9a-z]{4,31}", re.ASCII)
_BLOB_ID = re.compile(r"g[0-9a-z]{4,31}/[0-9a-f]{64}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def parse_blob_id(text: str) -> BlobId:
    """The text as a blob id. Raises `BadBlobId`.

    The pattern allows no dot and only one slash, so an id cannot be used to reach another path.
    """
    if _BLOB_ID.fullmatch(text) is None:
        raise BadBlobId(f"not a blob id: {text[:100]!r}")
    return BlobId(text)


def parse_generation(text: str) -> str:
    """The text as the name of a generation (`g0001`). Raises `BadBlobId`."""
    if _GENERATION.fullmatch(text) is None:
        raise BadBlobId(f"not a generation: {text[:100]!r}")
    return text


def is_generation(name: str) -> bool:
    return _GENERATION.fullmatch(name) is not None


def is_digest(name: str) -> bool:
    return _DIGEST.fullmatch(name) is not None


def generation_of(blob_id: BlobId) -> str:
    return blob_id.partition("/")[0]


def digest_of(blob_id: BlobId) -> str:
    return blob_id.partition("/")[2]


def body_hash() -> "hashlib.blake2b":
    """A new hash for a body; its hex digest becomes the second half of the id."""
    return hashlib.blake2b(digest_size=DIGEST_BYTES)


def blob_id_of(generation: str, body: bytes) -> BlobId:
    """The id that `body` has in `generation`."""
    digest = body_hash()
    digest.update(body)
    return BlobId(f"{generation}/{digest.hexdigest()}")
