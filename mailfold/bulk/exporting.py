"""Writes an export: the lines as they come, or as CSV with a column for each field of any kind."""

from __future__ import annotations

import csv as csv_files
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import IO, Any

import orjson

from shared.rpc.mailfold.directory.v1 import bulk_pb2 as pb

COLUMNS = (
    *("kind", "name", "address", "user", "group", "targets", "owners", "members", "ends_at"),
    *("quota_bytes", "quota_messages", "max_message_size", "incoming", "disabled", "alias_of", "domain", "value"),
    *("display_name", "language", "time_zone", "receives", "mails_an_hour", "list", "paused", "patterns"),
    *("description", "members_only", "skip_recipients", "rewrite_author", "text", "html"),
    *("moderate", "moderators", "most_posts", "most_bytes", "days"),
    *("preset", "host", "port", "tls", "signatures", "connections", "messages_per_minute"),
    *("recipients_per_message", "accepts_null_reverse_path"),
)
_SEPARATORS = {"targets": " ", "owners": ",", "members": ",", "moderators": ",", "patterns": ","}


async def export(pages: AsyncIterator[pb.ExportPage], out: IO[bytes], *, csv: bool) -> None:
    """Write all pages."""
    if csv:
        out.write(_rows([COLUMNS]))
    async for page in pages:
        out.write(_rows([_row(orjson.loads(line)) for line in page.lines]) if csv else _joined(page.lines))
    out.flush()


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _rows(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv_files.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _row(values: Mapping[str, Any]) -> list[str]:
    return [_text(name, values.get(name, "")) for name in COLUMNS]


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _list_text(value, _SEPARATORS[name]) if isinstance(value, list) else str(value)


def _list_text(items: Sequence[str], separator: str) -> str:
    """Items with their separator between them, or a JSON array where an item has it in itself."""
    text = separator.join(items)
    pieces = [piece.strip() for piece in text.split(separator.strip() or None)] if items else []
    return text if pieces == list(items) and not text.startswith("[") else orjson.dumps(items).decode()
