"""Ranked questions: words in any order, phrases, beginnings, and their combinations."""

from __future__ import annotations

import pytest

from services.indexer.domain.engine import TextEngine
from services.indexer.domain.word_query import AllWords, AnyWords, NoWords, SoughtWords, WordField, WordQuery
from tests.contract.text_index.mail import ACCOUNT, INBOX, batch, document

MAIL = {
    1: document("The quick brown fox.", subject="Animals", fields=[("From", "Ann Müller <ann@example.org>")]),
    2: document("A brown quick dog, see the fox-trot.", subject="Dance", fields=[("To", "ann@example.net")]),
    3: document("Nothing here.", subject="Quick question", fields=[("Cc", "Bob <bob@example.org>")]),
    4: document("東京都に住んでいます。"),
    5: document('Резюме и naïve café; don\'t AND or NOT "quoted"'),
}


async def ranked(
    engine: TextEngine, query: WordQuery, *, mailboxes: tuple[str, ...] = (), limit: int = 100
) -> list[int]:
    return [place.uid for place in await engine.rank(ACCOUNT, mailboxes, query, limit)]


@pytest.mark.parametrize(
    ("query", "uids"),
    [
        (SoughtWords("quick"), {1, 2, 3}),
        (SoughtWords("QUICK Brown"), {1, 2}),
        (SoughtWords("quick brown", is_phrase=True), {1}),
        (SoughtWords("qui", is_prefix=True), {1, 2, 3}),
        (SoughtWords("qui"), set()),
        (SoughtWords("brown qui", is_phrase=True, is_prefix=True), {2}),
        (SoughtWords("quick", WordField.SUBJECT), {3}),
        (SoughtWords("quick", WordField.BODY), {1, 2}),
        (SoughtWords("ann", WordField.FROM), {1}),
        (SoughtWords("ann", WordField.TO), {2}),
        (SoughtWords("bob@example.org", WordField.TO), {3}),
        (SoughtWords("muller"), {1}),
        (SoughtWords("京都"), {4}),
        (SoughtWords("東都"), set()),
        (SoughtWords("RÉSUMÉ naive cafe"), set()),
        (SoughtWords("резюме naive cafe"), {5}),
        (SoughtWords("don't"), {5}),
        (SoughtWords('AND or NOT "quoted'), {5}),
        (SoughtWords("fox-trot"), {2}),
        (SoughtWords("!?"), set()),
        (SoughtWords("fox !?"), {1, 2}),
        (AllWords((SoughtWords("fox"), SoughtWords("dance", WordField.SUBJECT))), {2}),
        (AnyWords((SoughtWords("nothing"), SoughtWords("naïve"))), {3, 5}),
        (NoWords(SoughtWords("quick")), {4, 5}),
        (AllWords((SoughtWords("quick"), NoWords(SoughtWords("fox")))), {3}),
        (AllWords((NoWords(SoughtWords("quick")), NoWords(SoughtWords("naive")))), {4}),
        (AnyWords((NoWords(SoughtWords("quick")), SoughtWords("dog"))), {2, 4, 5}),
        (NoWords(NoWords(SoughtWords("dog"))), {2}),
        (NoWords(AnyWords((SoughtWords("dog"), NoWords(SoughtWords("quick"))))), {1, 3}),
        (AllWords(()), set()),
        (NoWords(SoughtWords("?")), set()),
    ],
)
async def test_queries(engine: TextEngine, query: WordQuery, uids: set[int]) -> None:
    await engine.add(ACCOUNT, batch(MAIL))
    assert set(await ranked(engine, query)) == uids


async def test_a_hit_in_the_subject_comes_first(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch(MAIL))
    places = await engine.rank(ACCOUNT, [], SoughtWords("quick"), 10)
    assert places[0].uid == 3
    scores = [place.score for place in places]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > 0


async def test_mailboxes_and_limit(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch(MAIL))
    await engine.add(ACCOUNT, batch({9: MAIL[2]}, mailbox="copies"))
    both = await engine.rank(ACCOUNT, [], SoughtWords("dog"), 10)
    assert sorted((place.mailbox, place.uid) for place in both) == [(INBOX, 2), ("copies", 9)]
    assert await ranked(engine, SoughtWords("quick"), mailboxes=("copies", "unknown")) == [9]
    assert await ranked(engine, SoughtWords("quick"), mailboxes=("unknown",)) == []
    assert len(await ranked(engine, SoughtWords("quick"), limit=2)) == 2
    assert await ranked(engine, SoughtWords("quick"), mailboxes=("copies",), limit=1) == [9]
    assert list(await engine.rank("other", [], SoughtWords("quick"), 10)) == []
