"""Messages for the tests of the text index: their documents, and what a search of them must give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from services.indexer.domain.document import Document, IndexQuestion, SearchedPart
from services.indexer.domain.engine import Batch, IndexEntry, TextEngine
from shared.protocol.imap.ranges import Ranges

ACCOUNT = "acc1"
INBOX = "box1"
EVERYTHING = (1, 1 << 31)


def document(
    body: str = "",
    *,
    subject: str = "",
    fields: Sequence[tuple[str, str]] = (),
    lines: Sequence[str] = (),
    part_headers: str = "",
    key: bytes = b"",
) -> Document:
    """A document with folded texts. Fields are lines of the header too; `lines` are only that."""
    shown = tuple((name.casefold(), text.casefold()) for name, text in [("Subject", subject), *fields] if text)
    header = "".join(f"{name}: {text}\n" for name, text in shown) + "".join(f"{line}\n" for line in lines).casefold()
    texts = (shown, header, part_headers.casefold(), body.casefold())
    return Document(key or repr(texts).encode("utf-8", "surrogatepass")[-40:], *texts)


def batch(
    documents: Mapping[int, Document],
    *,
    mailbox: str = INBOX,
    after: int = 0,
    upto: int = 0,
    awaiting: Mapping[bytes, str] | None = None,
    unread: Sequence[int] = (),
) -> Batch:
    """A batch of the documents by UID."""
    return Batch(
        mailbox,
        [IndexEntry(uid, text.key) for uid, text in sorted(documents.items())],
        {text.key: text for text in documents.values()},
        awaiting or {},
        unread,
        after,
        max([upto, *documents, *unread]),
    )


def contains(text: Document, question: IndexQuestion, attachments: str = "") -> bool:
    """What reading the document would give."""
    match question.kind:
        case SearchedPart.FIELD:
            return any(name == question.name and question.text in value for name, value in text.fields)
        case SearchedPart.BODY:
            return question.text in text.body
        case SearchedPart.TEXT:
            return any(question.text in part for part in (text.header, text.part_headers, text.body))
        case SearchedPart.ATTACHMENTS:
            return question.text in attachments


def uids_in(ranges: Ranges) -> list[int]:
    return [uid for first, last in ranges for uid in range(first, last + 1)]


def spans(uids: Iterable[int]) -> Ranges:
    """UIDs as ranges, for few of them."""
    joined: list[list[int]] = []
    for uid in sorted(uids):
        if joined and joined[-1][1] == uid - 1:
            joined[-1][1] = uid
        else:
            joined.append([uid, uid])
    return tuple((first, last) for first, last in joined)


async def hits(
    engine: TextEngine, question: IndexQuestion, *, mailbox: str = INBOX, account: str = ACCOUNT
) -> list[int]:
    """The UIDs that the engine gives for a question."""
    answer = await engine.answer(account, mailbox, EVERYTHING, [question])
    return uids_in(answer.hits[0])


def body(text: str) -> IndexQuestion:
    return IndexQuestion(SearchedPart.BODY, text)


def text(sought: str) -> IndexQuestion:
    return IndexQuestion(SearchedPart.TEXT, sought)


def field(name: str, sought: str) -> IndexQuestion:
    return IndexQuestion(SearchedPart.FIELD, sought, name)


def in_attachments(sought: str) -> IndexQuestion:
    return IndexQuestion(SearchedPart.ATTACHMENTS, sought)
