"""Messages that move and disappear."""

import random

from services.indexer.domain.document import Document
from services.indexer.domain.engine import TextEngine
from services.indexer.domain.word_query import SoughtWords
from tests.contract.text_index.mail import ACCOUNT, INBOX, batch, body, document, hits, spans, text

TEXTS = {uid: document(f"message {uid} about {'even' if uid % 2 == 0 else 'odd'} things") for uid in range(1, 41)}


async def test_retain_forgets_the_others(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch(TEXTS))
    live = ((2, 5), (8, 8), (30, 99))
    assert await engine.retain(ACCOUNT, INBOX, live) == 40 - 4 - 1 - 11
    rest = [2, 3, 4, 5, 8, *range(30, 41)]
    assert await hits(engine, text("about")) == rest
    assert sorted(place.uid for place in await engine.rank(ACCOUNT, [], SoughtWords("things"), 100)) == rest
    state = await engine.state(ACCOUNT)
    assert (state.documents, state.places) == (len(rest), len(rest))
    assert await engine.reached(ACCOUNT) == {INBOX: 40}
    assert await engine.retain(ACCOUNT, INBOX, live) == 0
    await engine.tend(ACCOUNT)
    assert await hits(engine, body("even")) == [uid for uid in rest if uid % 2 == 0]


async def test_what_comes_back_is_found_again(engine: TextEngine) -> None:
    """The texts were removed, so they are lacking; their number is another."""
    await engine.add(ACCOUNT, batch(TEXTS))
    await engine.retain(ACCOUNT, INBOX, ((1, 39),))
    assert list(await engine.lacking(ACCOUNT, [TEXTS[40].key, TEXTS[39].key])) == [TEXTS[40].key]
    await engine.add(ACCOUNT, batch({41: TEXTS[40]}, after=40))
    assert await hits(engine, body("message 40")) == [41]
    await engine.tend(ACCOUNT)
    assert await hits(engine, body("message 40")) == [41]


async def test_moved_messages_keep_their_texts(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch(TEXTS))
    order = list(TEXTS)
    random.Random(5).shuffle(order)
    moved = {uid: TEXTS[old] for uid, old in enumerate(order, 1)}
    await engine.add(ACCOUNT, batch(moved, mailbox="archive"))
    await engine.retain(ACCOUNT, INBOX, ())
    assert await hits(engine, body("odd things")) == []
    expected = [uid for uid, moved_text in moved.items() if "odd" in moved_text.body]
    assert await hits(engine, body("odd things"), mailbox="archive") == expected
    state = await engine.state(ACCOUNT)
    assert (state.documents, state.places) == (40, 40)


async def test_a_dropped_mailbox_leaves_what_others_have(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch(TEXTS, unread=[50]))
    await engine.add(ACCOUNT, batch({1: TEXTS[7]}, mailbox="copies"))
    await engine.drop_mailbox(ACCOUNT, INBOX)
    assert await engine.reached(ACCOUNT) == {"copies": 1}
    assert await hits(engine, text("message")) == []
    assert await hits(engine, text("message 7"), mailbox="copies") == [1]
    state = await engine.state(ACCOUNT)
    assert (state.documents, state.places, state.unread) == (1, 1, 0)
    await engine.drop_mailbox(ACCOUNT, "unknown")


async def test_a_dropped_account_begins_anew(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch(TEXTS))
    await engine.drop_account(ACCOUNT)
    await engine.drop_account(ACCOUNT)
    assert list(await engine.accounts()) == []
    assert await engine.reached(ACCOUNT) == {}
    await engine.add(ACCOUNT, batch({1: TEXTS[1]}))
    assert await hits(engine, body("message")) == [1]


async def test_changes_in_any_order(engine: TextEngine) -> None:
    """Messages arrive in two mailboxes, move and leave, while upkeep runs."""
    chance = random.Random(11)
    known: dict[str, dict[int, Document]] = {"a": {}, "b": {}}
    reached = {"a": 0, "b": 0}
    pool = list(TEXTS.values())
    for _ in range(60):
        mailbox = chance.choice("ab")
        there = known[mailbox]
        match chance.randrange(4):
            case 0 | 1:
                first = reached[mailbox] + chance.randint(1, 3)
                new = {first + gap: chance.choice(pool) for gap in sorted(chance.sample(range(8), 5))}
                await engine.add(ACCOUNT, batch(new, mailbox=mailbox, after=reached[mailbox]))
                there |= new
                reached[mailbox] = max(new)
            case 2:
                live = {uid: there[uid] for uid in there if chance.random() < 0.7}
                await engine.retain(ACCOUNT, mailbox, spans(live))
                known[mailbox] = live
            case _:
                await engine.tend(ACCOUNT)
        for name, texts in known.items():
            for sought in ("message 1", "odd", "s"):
                expected = [uid for uid, stored in sorted(texts.items()) if sought in stored.body]
                assert await hits(engine, body(sought), mailbox=name) == expected
