"""FUZZY finds the same by the word index of each engine and by reading messages."""

from __future__ import annotations

import random
from email.message import EmailMessage

import pytest

from services.indexer.domain.document import Document
from services.indexer.domain.engine import TextEngine
from services.indexer.domain.word_query import fuzzy_query
from services.indexer.handlers.documents import DocumentReader
from services.indexer.handlers.word_answers import rank_covered, with_words
from services.mailstore.search.candidate import Candidate, EntryRow
from services.mailstore.search.compile import Compiled, FuzzyQuestion
from services.mailstore.search.texts import TextReader
from shared.blobs.memory import MemoryBlobs
from shared.protocol.imap.ranges import common
from shared.protocol.search.fuzzy import FuzzyField, fuzzy_pieces
from shared.scans import scan_of, store_message
from shared.turns import Turns
from tests.contract.text_index.mail import ACCOUNT, EVERYTHING, INBOX, batch, uids_in

_LATIN = "invoice Invoices pay paid Straße STRASSE naïve naive résumé don't e-mail ann@example.org 10:30 x ﬁne fine"
_OTHERS = "東京タワー 京都 안녕하세요 ภาษาไทย مُحَمَّد हिन्दी привет 😀"
_SIGNS = '! a*b NOT OR "quoted"'
_WORDS = tuple(f"{_LATIN} {_OTHERS} {_SIGNS}".split())
_COUNT = 60


def _mail(chance: random.Random, number: int) -> bytes:
    message = EmailMessage()
    message["Subject"] = " ".join(chance.choices(_WORDS, k=3)).replace("\n", " ")
    message["From"] = f"{chance.choice(('Ann Müller', 'Bob'))} <sender{number}@example.org>"
    message[chance.choice(("To", "Cc"))] = chance.choice(("carl@example.net", "Ännchen <ann@example.com>"))
    body = " ".join(chance.choices(_WORDS, k=8))
    if number % 3:
        message.set_content(body)
    else:
        message.set_content(f"<p>{body.replace('&', '&amp;')}<b>bold</b></p>", subtype="html")
    return message.as_bytes()


class _Mailbox:
    """The messages of a mailbox, to be read."""

    def __init__(self) -> None:
        self.blobs = MemoryBlobs()
        self.turns = Turns()
        self.ids: dict[int, str] = {}

    async def add(self, uid: int, data: bytes) -> Document:
        blob = await store_message(self.blobs, data)
        self.ids[uid] = str(blob.id)
        return (await DocumentReader(self.blobs, self.turns).read(str(blob.id), b"")).document

    async def matching(self, question: FuzzyQuestion) -> list[int]:
        """What reading finds."""
        compiled = Compiled(lambda candidate: candidate.answers.get(0), (question,), 1, examines_rows=False)
        reader = TextReader(compiled, self.turns)
        matching = []
        for uid, blob_id in self.ids.items():
            blob = await self.blobs.read(blob_id)  # type: ignore[arg-type]
            row = EntryRow(uid, 0, "", 1, 1, 0, 0, 0, "", "")
            if await reader.decide(Candidate(row, blob, await scan_of(self.blobs, blob))):
                matching.append(uid)
        return matching


@pytest.mark.parametrize("seed", range(3))
async def test_the_index_finds_what_reading_finds(engine: TextEngine, seed: int) -> None:
    chance, mailbox = random.Random(seed), _Mailbox()
    documents = {uid: await mailbox.add(uid, _mail(chance, uid)) for uid in range(1, _COUNT + 1)}
    await engine.add(ACCOUNT, batch(documents))
    found = 0
    for _ in range(60):
        words = chance.choices((*_WORDS, "ann", "bob", "sender7", "bold"), k=chance.randint(1, 2))
        text = " ".join(word[: chance.randint(1, len(word))] for word in words)
        question = FuzzyQuestion(chance.choice(list(FuzzyField)), text)
        if not fuzzy_pieces(text):
            continue
        covered, (hits,) = await with_words(engine, ACCOUNT, INBOX, EVERYTHING, [fuzzy_query(text, question.field)])
        assert common(covered, ((1, _COUNT),)) == ((1, _COUNT),)
        assert uids_in(hits) == await mailbox.matching(question), question
        found += len(uids_in(hits))
    assert found > 100


async def test_what_the_index_has_not_is_not_covered(engine: TextEngine) -> None:
    mailbox, chance = _Mailbox(), random.Random(9)
    documents = {uid: await mailbox.add(uid, _mail(chance, uid)) for uid in (1, 2, 4)}
    await engine.add(ACCOUNT, batch(documents, unread=(3,)))
    query = fuzzy_query("sender", FuzzyField.FROM)
    covered, (hits,) = await with_words(engine, ACCOUNT, INBOX, (1, 9), [query])
    assert covered == ((1, 2), (4, 4)) and uids_in(hits) == [1, 2, 4]
    ranked = await rank_covered(engine, ACCOUNT, [INBOX, "other"], query, 2)
    assert len(ranked.messages) == 2
    assert ranked.covered == {INBOX: ((1, 2), (4, 4)), "other": ()}
