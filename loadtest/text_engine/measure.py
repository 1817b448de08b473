"""Measures the embedded engine of the text index, without a server around it."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard

from loadtest.content.mail import RARE_SUBJECT, RARE_WORD, mails
from loadtest.content.profile import Profile
from loadtest.figures import TextEngineCost, TextEngineTime
from services.indexer.adapters.embedded import EmbeddedEngine
from services.indexer.domain.document import Document, IndexQuestion, SearchedPart
from services.indexer.domain.engine import Batch, IndexEntry
from shared.protocol.message.folding import fold
from shared.protocol.message.scan import scan
from shared.protocol.message.search_texts import all_field_texts, body_texts, header_texts, part_header_texts

BATCH = 100
SAMPLE = 1000
"""Messages whose texts are compressed one by one, and searched without an index."""
_ACCOUNT, _MAILBOX = "account", "mailbox"
_ALL = (1, 1 << 31)
QUESTIONS = {
    "BODY, a rare word": IndexQuestion(SearchedPart.BODY, RARE_WORD),
    "SUBJECT, a rare word": IndexQuestion(SearchedPart.FIELD, RARE_SUBJECT, "subject"),
    "TEXT, a rare word": IndexQuestion(SearchedPart.TEXT, RARE_WORD),
    "BODY, a word of no message": IndexQuestion(SearchedPart.BODY, "zzyzx road"),
    "BODY, a part of common words": IndexQuestion(SearchedPart.BODY, "ation"),
    "TEXT, a word of all headers": IndexQuestion(SearchedPart.TEXT, "received"),
    "BODY, three letters": IndexQuestion(SearchedPart.BODY, "the"),
    "BODY, two letters": IndexQuestion(SearchedPart.BODY, "th"),
    "BODY, a letter": IndexQuestion(SearchedPart.BODY, "e"),
}


class _Octets:
    """A message in memory, as the texts of search are read from it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def iterate(self, start: int, end: int) -> Iterator[bytes]:
        yield self._data[start:end]


async def measure(folder: Path, count: int, profile: Profile, rounds: int, tick: Callable[[], None]) -> TextEngineCost:
    """Index `count` messages in an empty folder, then ask. Raises OSError and IndexUnavailable."""
    engine = EmbeddedEngine(folder)
    adding = octets = 0.0
    sample: list[Document] = []
    for after, documents, size in _batches(count, profile):
        sample += documents[: SAMPLE - len(sample)]
        octets += size
        began = time.process_time()
        await engine.add(_ACCOUNT, _batch(after, documents))
        adding += time.process_time() - began
        tick()
    await engine.tend(_ACCOUNT)
    state = await engine.state(_ACCOUNT)
    await engine.close()
    compressed, plain = _compressed(sample)
    return TextEngineCost(
        messages=count,
        mail_octets=round(octets / count),
        add_ms=1000 * adding / count,
        text_octets=state.text_octets,
        index_octets=state.octets,
        compressed_octets=round(compressed / plain * state.text_octets),
        times=await _times(folder, count, rounds, sample),
    )


def _batches(count: int, profile: Profile) -> Iterator[tuple[int, list[Document], int]]:
    documents, size = [], 0
    for number, mail in enumerate(mails(profile, count), 1):
        documents.append(_document(number, mail.data))
        size += len(mail.data)
        if len(documents) == BATCH or number == count:
            yield number - len(documents), documents, size
            documents, size = [], 0


def _document(number: int, data: bytes) -> Document:
    scanned, octets = scan(data), _Octets(data)
    header = data[: scanned.header_end]
    return Document(
        number.to_bytes(16, "big"),
        tuple((name, fold(text)) for name, text in all_field_texts(header)),
        fold("".join(f"{text}\n" for text in header_texts(header))),
        fold("".join(f"{text}\n" for text in part_header_texts(octets, scanned))),
        fold("".join(body_texts(octets, scanned))),
    )


def _batch(after: int, documents: list[Document]) -> Batch:
    entries = [IndexEntry(after + place, document.key) for place, document in enumerate(documents, 1)]
    by_key = {document.key: document for document in documents}
    return Batch(_MAILBOX, entries, by_key, {}, [], after, after + len(documents))


def _compressed(sample: list[Document]) -> tuple[int, int]:
    """The octets of texts, each message compressed by itself; and as they are."""
    compressor = zstandard.ZstdCompressor(level=3)
    texts = [
        f"{document.header}{document.part_headers}{document.body}".encode("utf-8", "surrogatepass")
        for document in sample
    ]
    return sum(len(compressor.compress(text)) for text in texts), sum(map(len, texts))


async def _times(folder: Path, count: int, rounds: int, sample: list[Document]) -> list[TextEngineTime]:
    times = []
    for name, question in QUESTIONS.items():
        engine = EmbeddedEngine(folder)  # it has no pages of the file in memory
        took, hits = [], 0
        for _ in range(rounds + 1):
            began = time.perf_counter()
            answer = await engine.answer(_ACCOUNT, _MAILBOX, _ALL, [question])
            took.append(1000 * (time.perf_counter() - began))
            hits = sum(last - first + 1 for first, last in answer.hits[0])
        await engine.close()
        times.append(
            TextEngineTime(
                question=name,
                hits=hits,
                first_ms=took[0],
                warm_ms=statistics.median(took[1:]),
                scan_ms=await asyncio.to_thread(_scanned, sample, question) / len(sample) * count,
            )
        )
    return times


def _scanned(sample: list[Document], question: IndexQuestion) -> float:
    """Milliseconds for looking through the texts in memory; reading them from messages comes on top."""
    began = time.perf_counter()
    for document in sample:
        match question.kind:
            case SearchedPart.FIELD:
                any(name == question.name and question.text in text for name, text in document.fields)
            case SearchedPart.BODY:
                question.text in document.body  # noqa: B015
            case _:
                any(question.text in text for text in (document.header, document.part_headers, document.body))
    return 1000 * (time.perf_counter() - began)
