"""What an engine says about the messages of a mailbox."""

import pytest

from services.indexer.domain.document import IndexQuestion, SearchedPart
from services.indexer.domain.engine import IndexState, IndexUnavailable, TextEngine
from tests.contract.text_index.mail import (
    ACCOUNT,
    EVERYTHING,
    INBOX,
    batch,
    body,
    document,
    field,
    hits,
    in_attachments,
    text,
)

LUNCH = document("Shall we have lunch?\n", subject="Lunch", fields=[("From", "Ann <ann@example.org>")])
REPORT = document("The report is ready.\n", subject="Report", lines=["X-Broken line"], part_headers="name: Lunch.pdf\n")


async def test_each_kind_of_question_looks_at_its_texts(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch({1: LUNCH, 2: REPORT}))
    assert await hits(engine, body("lunch")) == [1]
    assert await hits(engine, text("lunch")) == [1, 2]
    assert await hits(engine, field("subject", "lunch")) == [1]
    assert await hits(engine, field("from", "lunch")) == []
    assert await hits(engine, text("x-broken line")) == [2]
    assert await hits(engine, text("subject: report")) == [2]
    assert await hits(engine, in_attachments("lunch")) == []


@pytest.mark.parametrize(
    "needle", ["r", "re", "ré", "\N{SLIGHTLY SMILING FACE}", "的", "的人", "?", "\n", ".\n", "\x00", "\udc80"]
)
async def test_short_needles(engine: TextEngine, needle: str) -> None:
    texts = {
        1: document("r"),
        2: document("are"),
        3: document("ré \N{SLIGHTLY SMILING FACE}"),
        4: document("目的人?\n"),
    }
    texts |= {
        5: document("a.\n"),
        6: document("\x00"),
        7: document("end\udc80"),
        8: document("\ufffd"),
        9: document(""),
    }
    await engine.add(ACCOUNT, batch(texts))
    assert await hits(engine, body(needle)) == [uid for uid, text_ in texts.items() if needle in text_.body]
    assert await hits(engine, text(needle)) == [uid for uid, text_ in texts.items() if needle in text_.body]


@pytest.mark.parametrize(
    "needle", ['a"b', "100%", "a*b", "it's", "x AND y", "-x", "(x", "a:b", "NEAR(", "\\", '"', "''", "a\nb", "a\x00b"]
)
async def test_no_character_of_a_needle_means_anything(engine: TextEngine, needle: str) -> None:
    texts = {1: document(f"before {needle.casefold()} after"), 2: document(" ".join(needle.casefold()))}
    await engine.add(ACCOUNT, batch(texts))
    sought = needle.casefold()
    assert await hits(engine, body(sought)) == [uid for uid, text_ in texts.items() if sought in text_.body]


async def test_texts_are_compared_apart(engine: TextEngine) -> None:
    """A needle does not reach from the header over the headers of the parts to the body, or over two fields."""
    await engine.add(ACCOUNT, batch({1: document("abc", lines=["uvw"], part_headers="xyz"), 2: document("zabc")}))
    assert await hits(engine, text("uvw\nxyz")) == []
    assert await hits(engine, text("xyzabc")) == []
    assert await hits(engine, text("zabc")) == [2]


async def test_a_line_of_the_header_is_not_always_a_field(engine: TextEngine) -> None:
    """`to: b` comes from an encoded line end within Subject; `from` has a form that no line shows."""
    subject = ("subject", "a\nto: b")
    texts = document(key=b"1", fields=[("X-Other", "c")])
    odd = type(texts)(b"odd", (subject, ("from", "hidden <h@example.org>")), "subject: a\nto: b\n", "", "")
    await engine.add(ACCOUNT, batch({1: texts, 2: odd}))
    assert await hits(engine, field("to", "b")) == []
    assert await hits(engine, field("subject", "a\nto")) == [2]
    assert await hits(engine, field("from", "hidden")) == [2]
    assert await hits(engine, text("hidden")) == []
    assert await hits(engine, text("hid")) == []
    assert await hits(engine, text("to: b")) == [2]
    assert await hits(engine, field("x-other", "c")) == [1]


async def test_spaces_of_fields(engine: TextEngine) -> None:
    """A field's text has no spaces around it, but a line of the header may have."""
    texts = document(key=b"1")
    spaced = type(texts)(b"s", (("subject", "a b"), ("subject", "again")), "subject: a b  \nsubject: again\n", "", "")
    await engine.add(ACCOUNT, batch({1: spaced}))
    assert await hits(engine, field("subject", "b ")) == []
    assert await hits(engine, text("b  \n")) == [1]
    assert await hits(engine, field("subject", "agai")) == [1]
    assert await hits(engine, field("subject", "subject")) == []
    assert await hits(engine, field("subject: a", "b")) == []


async def test_bounds_limit_what_is_covered_and_the_hits(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch({uid: document(f"same words {uid % 3}") for uid in range(1, 30)}, upto=40))
    answer = await engine.answer(ACCOUNT, INBOX, (5, 12), [body("same"), body("words 1")])
    assert answer.covered == ((5, 12),)
    assert answer.hits == [((5, 12),), ((7, 7), (10, 10))]
    answer = await engine.answer(ACCOUNT, INBOX, (25, 100), [body("same")])
    assert answer.covered == ((25, 40),)
    assert answer.hits == [((25, 29),)]
    answer = await engine.answer(ACCOUNT, INBOX, (41, 100), [body("same")])
    assert (answer.covered, answer.hits) == ((), [()])


async def test_nothing_is_known_of_other_accounts_and_mailboxes(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch({1: LUNCH}))
    for account, mailbox in ((ACCOUNT, "other"), ("other", INBOX)):
        answer = await engine.answer(account, mailbox, EVERYTHING, [body("lunch"), text("l")])
        assert (answer.covered, list(answer.hits)) == ((), [(), ()])
    assert await engine.reached("other") == {}
    assert await engine.state("other") == IndexState(0, 0, 0, 0, 0, 0)
    assert list(await engine.accounts()) == [ACCOUNT]


async def test_messages_that_could_not_be_read_are_not_covered(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch({1: LUNCH, 3: LUNCH}, unread=[2, 4], upto=5))
    assert sorted(await engine.unread(ACCOUNT)) == [(INBOX, 2), (INBOX, 4)]
    answer = await engine.answer(ACCOUNT, INBOX, EVERYTHING, [body("lunch")])
    assert (answer.covered, answer.hits) == (((1, 1), (3, 3), (5, 5)), [((1, 1), (3, 3))])
    await engine.add(ACCOUNT, batch({2: LUNCH}, after=5))
    answer = await engine.answer(ACCOUNT, INBOX, EVERYTHING, [body("lunch")])
    assert (answer.covered, answer.hits) == (((1, 3), (5, 5)), [((1, 3),)])
    assert (await engine.state(ACCOUNT)).unread == 1


async def test_a_repeated_batch_changes_nothing(engine: TextEngine) -> None:
    parts = batch({1: LUNCH, 2: REPORT}, unread=[3], awaiting={REPORT.key: "blob2"})
    await engine.add(ACCOUNT, parts)
    await engine.add_attachments(ACCOUNT, {REPORT.key: "figures"})
    before = await engine.state(ACCOUNT)
    for _ in range(3):
        await engine.add(ACCOUNT, parts)
    after = await engine.state(ACCOUNT)
    assert (after.documents, after.places, after.unread, after.awaiting) == (2, 2, 1, 0)
    assert after.text_octets == before.text_octets
    assert await hits(engine, body("lunch")) == [1]
    await engine.retain(ACCOUNT, INBOX, ((2, 2),))
    assert await hits(engine, body("lunch")) == []


async def test_a_batch_that_goes_on_where_the_engine_is_not_is_refused(engine: TextEngine) -> None:
    """The index was lost between two batches: what came before would be missing for ever."""
    with pytest.raises(IndexUnavailable):
        await engine.add(ACCOUNT, batch({8: LUNCH}, after=7))
    assert await engine.reached(ACCOUNT) == {}
    await engine.add(ACCOUNT, batch({8: LUNCH}))
    await engine.add(ACCOUNT, batch({9: REPORT}, after=8))
    assert await engine.reached(ACCOUNT) == {INBOX: 9}


async def test_copies_are_kept_once(engine: TextEngine) -> None:
    assert list(await engine.lacking(ACCOUNT, [LUNCH.key, REPORT.key])) == [LUNCH.key, REPORT.key]
    await engine.add(ACCOUNT, batch({1: LUNCH, 5: LUNCH}))
    assert list(await engine.lacking(ACCOUNT, [LUNCH.key, REPORT.key])) == [REPORT.key]
    copy = batch({7: LUNCH}, mailbox="box2")
    await engine.add(ACCOUNT, type(copy)(copy.mailbox, copy.entries, {}, {}, [], 0, 7))
    assert await hits(engine, body("lunch"), mailbox="box2") == [7]
    state = await engine.state(ACCOUNT)
    assert (state.documents, state.places) == (1, 3)


async def test_a_message_whose_texts_are_missing_is_read_again(engine: TextEngine) -> None:
    """Its document was removed after the engine was asked what it lacks."""
    parts = batch({4: LUNCH})
    await engine.add(ACCOUNT, type(parts)(INBOX, parts.entries, {}, {}, [], 0, 4))
    assert list(await engine.unread(ACCOUNT)) == [(INBOX, 4)]
    await engine.add(ACCOUNT, batch({4: LUNCH}, after=4))
    assert await hits(engine, body("lunch")) == [4]


async def test_many_questions_at_once(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch({uid: document(f"number {uid}") for uid in range(1, 60)}))
    questions = [IndexQuestion(SearchedPart.BODY, f"number {number}") for number in (*range(1, 60), 7)]
    answer = await engine.answer(ACCOUNT, INBOX, EVERYTHING, questions)
    assert answer.hits[49] == ((50, 50),)
    assert answer.hits[4] == ((5, 5), (50, 59))
    assert answer.hits[-1] == answer.hits[6]
