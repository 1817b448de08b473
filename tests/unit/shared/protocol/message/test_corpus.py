"""Collected messages: mime4j's with their expected parts, and the SpamAssassin corpus against the standard library."""

from __future__ import annotations

import email
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path

import pytest

from shared.protocol.message.scan import Scan, scan
from shared.protocol.message.text import header_text, part_bytes, preview, readable_parts, urls
from tests.unit.shared.protocol.message.consistency import check

Event = tuple[int, str, bytes]

# Where Mailfold differs from mime4j on purpose, with the reason.
_CHILDLESS = "a multipart without parts is shown as the text that it is"
_ENCODED = "RFC 2046 §5.2.1 forbids to encode a message: its offsets would not be those of the stored bytes"
_HEADER_END = "only a blank line ends a header"
_TRAILING = "RFC 2046 §5.1.1: a boundary does not end with white space"
_QUANTUM = "a last base64 quantum without its padding is kept"
DIFFERENT = {
    "badbound": _CHILDLESS,
    "missing-boundary": _CHILDLESS,
    "missing-inner-boundary": _CHILDLESS,
    "missing-inner-start-boundary": _CHILDLESS,
    "multipartnopart": _CHILDLESS,
    "very-very-long-boundary": "a delimiter line is no longer than 1000 bytes",
    "multi-2gifs-base64": _ENCODED,
    "bad-newlines-multiple-parts-base64": _ENCODED,
    "base64encoded-rfc822message": _ENCODED,
    "base64encoded-rfc822message-nested": _ENCODED,
    "malformedHeaderStartsBody-nocrlfcrlf": _HEADER_END,
    "malformedHeaderStartsBody-noheader": _HEADER_END,
    "very-long-boundary": _TRAILING,
    "weird-boundary": _TRAILING,
    "frag": _QUANTUM,
    "multi-frag": _QUANTUM,
}


def expected_events(folder: Path, node: ET.Element, depth: int = 0) -> Iterator[Event]:
    for child in node:
        if child.tag == "multipart":
            yield depth, "multipart", b""
            for part in child.findall("body-part"):
                yield from expected_events(folder, part, depth + 1)
        elif child.tag == "message":
            yield depth, "message", b""
            yield from expected_events(folder, child, depth + 1)
        elif child.tag in ("text-body", "binary-body"):
            yield depth, "leaf", (folder / child.attrib["name"]).read_bytes()


def events_of(result: Scan, data: bytes) -> Iterator[Event]:
    depths: list[int] = []
    for index, part in enumerate(result.parts):
        depths.append(depths[part.parent] + 1 if part.parent >= 0 else 0)
        if not result.children(index):
            yield depths[-1], "leaf", part_bytes(data, part, len(data))
        else:
            yield depths[-1], "multipart" if part.media_type == "multipart" else "message", b""


def without_line_ends(events: Iterator[Event]) -> list[Event]:
    """mime4j turns the bare LF of quoted-printable text into CRLF, which does not affect the structure."""
    return [(depth, kind, content.replace(b"\r\n", b"\n")) for depth, kind, content in events]


def test_mime4j_parts_and_contents(test_data: Path) -> None:
    compared = 0
    for path in sorted((test_data / "mime").glob("*/*.msg")):
        data = path.read_bytes()
        scanned = scan(data)
        check(scanned, data)
        expected = without_line_ends(
            expected_events(path.parent, ET.parse(path.with_name(path.stem + "_decoded.xml")).getroot())
        )
        same = without_line_ends(events_of(scanned, data)) == expected
        assert same is (path.stem not in DIFFERENT), path.name
        compared += same
    assert compared > 60


@cache
def corpus(folder: Path, step: int = 12) -> list[bytes]:
    with tarfile.open(folder / "spam" / "spamassassin.tar.xz") as archive:
        files = [archive.extractfile(member) for member in archive if member.isfile()]
        texts = [file.read() for file in files[::step] if file]
    return [text.partition(b"\n")[2] if text.startswith(b"From ") else text for text in texts]


def well_formed(folder: Path) -> Iterator[tuple[bytes, Scan, Message, list[Message]]]:
    for data in corpus(folder):
        oracle = email.message_from_bytes(data)
        parts = list(oracle.walk())
        # The library divides delivery-status into groups of fields, and takes `text/plain charset=x` as a type.
        plain = all(
            "charset" not in part.get_content_type() and part.get_content_type() != "message/delivery-status"
            for part in parts
        )
        if plain and not any(part.defects for part in parts):
            yield data, scan(data), oracle, parts


def test_every_message_of_the_corpus(test_data: Path) -> None:
    for data in corpus(test_data):
        scanned = scan(data)
        check(scanned, data)
        assert len(preview(data, scanned)) <= 200
        for part, text in readable_parts(data, scanned):
            assert part.media_type == "text"
            text.encode("utf-8")
        urls(data, scanned)
        header_text(data[: scanned.header_end]).encode("utf-8")


def test_parts_as_the_standard_library_sees_them(test_data: Path) -> None:
    count = 0
    for data, result, _, parts in well_formed(test_data):
        assert [part.content_type for part in result.parts] == [part.get_content_type() for part in parts]
        for part, theirs in zip(result.parts, parts, strict=True):
            if not theirs.is_multipart():
                raw = theirs._payload.encode("ascii", "surrogateescape")  # type: ignore[attr-defined]
                assert data[part.body_start : part.body_end] == raw
                assert part.filename == (theirs.get_filename() or "")
            count += 1
    assert count > 500


def test_transfer_decoding_as_in_the_standard_library(test_data: Path) -> None:
    for data, result, _, parts in well_formed(test_data):
        for part, theirs in zip(result.parts, parts, strict=True):
            if not theirs.is_multipart():
                payload = theirs.get_payload(decode=True)
                assert isinstance(payload, bytes)
                assert trimmed(part_bytes(data, part, len(data))) == trimmed(payload)


def trimmed(text: bytes) -> list[bytes]:
    """RFC 2045 §6.7 (3): white space at line ends is deleted; the standard library keeps it."""
    return [line.rstrip() for line in text.split(b"\n")]


def test_dates_as_the_standard_library_reads_them(test_data: Path) -> None:
    compared = 0
    for _, result, oracle, _ in well_formed(test_data):
        try:
            expected = parsedate_to_datetime(str(oracle["date"]))
        except (TypeError, ValueError):
            continue
        if expected.tzinfo is None:
            expected = expected.replace(tzinfo=UTC)
        assert result.date == pytest.approx(int(expected.timestamp() * 1_000_000)), oracle["date"]
        compared += 1
    assert compared > 300
