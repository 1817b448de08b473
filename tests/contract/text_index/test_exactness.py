"""An engine gives what a plain search through the texts gives, in any script and for any needle."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.indexer.domain.document import Document, IndexQuestion, SearchedPart
from services.indexer.domain.engine import TextEngine
from tests.contract.text_index.mail import ACCOUNT, EVERYTHING, INBOX, batch, contains, uids_in

EXAMPLES = int(os.environ.get("MAILFOLD_TEXT_INDEX_EXAMPLES", "40"))
SCRIPTS = (
    "abcde ",
    "ab cd  ab-cd.\u0301 \u0308-\u200d \u00ad ",
    "äöüßéèñ e\u0301o\u0308",
    "日本語中文的是不",
    "한국어\u1112\u1161\u11ab",
    "مُحَمَّد ابن",
    "हिन्दी",
    "ไทยที่",
    "\N{GRINNING FACE}\N{FAMILY}\u200d\ufe0f",
    "\"'%*()-:^+\\",
    "\n\t\r\x00\x01",
    "\udc80\udfff\ufffd\ufffe\uffff\U0010ffff",
    "fiﬁ\u0130ıſ",
)
characters = st.sampled_from([char for script in SCRIPTS for char in script.casefold()])
pieces = st.sampled_from(SCRIPTS).flatmap(lambda script: st.text(st.sampled_from(script.casefold()), max_size=40))
texts = st.lists(st.one_of(pieces, st.text(characters, max_size=20)), max_size=4).map("".join)
names = st.sampled_from(["subject", "from", "x-a", "ſ", "a: b", ""])
fields = st.lists(st.tuples(names, texts), max_size=4).map(tuple)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    stated = draw(fields)
    shown = "".join(f"{name}: {value}\n" for name, value in stated if draw(st.booleans()))
    return Document(b"", stated, shown + draw(texts), draw(texts), draw(texts))


@st.composite
def mailboxes(draw: st.DrawFn) -> list[Document]:
    made = draw(st.lists(documents(), min_size=1, max_size=6))
    return [
        Document(bytes([number]), made_.fields, made_.header, made_.part_headers, made_.body)
        for number, made_ in enumerate(made)
    ]


@st.composite
def questions(draw: st.DrawFn, stored: list[Document]) -> IndexQuestion:
    kind = draw(st.sampled_from(SearchedPart))
    name = draw(names)
    if draw(st.booleans()):
        sources = [part for text in stored for part in (text.header, text.part_headers, text.body) if part]
        sources += [value for text in stored for _, value in text.fields if value] or ["a"]
        source = draw(st.sampled_from(sources))
        start = draw(st.integers(0, len(source) - 1))
        return IndexQuestion(kind, source[start : start + draw(st.integers(1, 30))], name)
    return IndexQuestion(kind, draw(st.text(characters, min_size=1, max_size=30)), name)


@pytest.mark.parametrize("attached", [False, True])
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_an_answer_is_what_reading_gives(engine: TextEngine, data: st.DataObject, attached: bool) -> None:
    await engine.drop_account(ACCOUNT)
    stored = data.draw(mailboxes())
    attachments = {text.key: data.draw(texts) if attached else "" for text in stored}
    half = len(stored) // 2
    by_uid = dict(enumerate(stored, 1))
    await engine.add(ACCOUNT, batch({uid: by_uid[uid] for uid in by_uid if uid <= half}, upto=half))
    await engine.add(ACCOUNT, batch({uid: by_uid[uid] for uid in by_uid if uid > half}, after=half))
    await engine.add_attachments(ACCOUNT, attachments)
    if data.draw(st.booleans()):
        await engine.tend(ACCOUNT)
    asked = data.draw(st.lists(questions(stored), min_size=1, max_size=8))
    answer = await engine.answer(ACCOUNT, INBOX, EVERYTHING, asked)
    for question, hits in zip(asked, answer.hits, strict=True):
        expected = [uid for uid, text in by_uid.items() if contains(text, question, attachments[text.key])]
        assert uids_in(hits) == expected, question
