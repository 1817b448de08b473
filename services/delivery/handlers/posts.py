"""Reads the message of a post, and makes the message of a list's copies where its header must change."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from services.delivery.domain.list_rules import identity_of, must_rewrite_author
from services.delivery.domain.mail import AcceptedMail
from shared.blobs.blob_id import BlobId
from shared.blobs.port import Blob, Blobs
from shared.protocol.mailing_list.copy_header import post_header, rewritten_author
from shared.protocol.message.scan import Scan, Scanner, encode_scan
from shared.routing.known_lists import KnownList
from shared.scans import finished, report_failure, scan_of


class Post(NamedTuple):
    """A message as it was accepted."""

    blob: Blob
    scan: Scan
    header: bytes


class Posts:
    """Reads posts and writes changed ones. Every method raises BlobError."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def read(self, mail: AcceptedMail) -> Post:
        """The message of a mail."""
        blob = await self._blobs.read(BlobId(mail.message.blob))
        scan = await scan_of(self._blobs, blob)
        return Post(blob, scan, blob.read(0, scan.header_end))

    @staticmethod
    def part(post: Post, media_type: str, subtype: str, limit: int) -> bytes:
        """The content of the first part of a type, at most `limit` octets; empty when there is none."""
        for part in post.scan.parts:
            if (part.media_type.lower(), part.subtype.lower()) == (media_type, subtype):
                return post.blob.read(part.body_start, min(part.body_end, part.body_start + limit))
        return b""

    async def made(self, mail: AcceptedMail, post: Post, known: KnownList) -> tuple[str, int]:
        """The message of the copies and its size, stored; empty when it is the message as accepted."""
        author = b""
        if must_rewrite_author(mail, known):
            name = post.scan.from_[0][0] if post.scan.from_ else ""
            author = rewritten_author(identity_of(known), name, mail.message.author, post.header)
        header = post_header(post.header, author)
        return ("", 0) if header is post.header else await self._store(post, header)

    async def _store(self, post: Post, header: bytes) -> tuple[str, int]:
        """Store the message with another header, a piece at a time."""
        scanner = Scanner()
        with self._blobs.writer() as writer:
            writer.write(header)
            scanner.feed(header)
            for piece in post.blob.iterate(post.scan.header_end, post.blob.body_size):
                writer.write(piece)
                scanner.feed(piece)
                await asyncio.sleep(0)
            stored = await writer.commit(encode_scan(await finished(scanner)))
        report_failure(scanner, stored.id)
        return str(stored.id), stored.size
