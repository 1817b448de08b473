"""Texts of attachments, which come later."""

from services.indexer.domain.engine import TextEngine
from services.indexer.domain.word_query import AllWords, SoughtWords, WordField
from tests.contract.text_index.mail import ACCOUNT, INBOX, batch, body, document, hits, in_attachments, text

OFFER = document("See the file.", subject="Offer")
PHOTO = document("A photo.", subject="Holiday")


async def test_what_awaits_extraction(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch({1: OFFER, 2: PHOTO}, awaiting={OFFER.key: "blob1", PHOTO.key: "blob2"}))
    assert await engine.awaiting(ACCOUNT, 10) == {OFFER.key: "blob1", PHOTO.key: "blob2"}
    assert len(await engine.awaiting(ACCOUNT, 1)) == 1
    await engine.add_attachments(ACCOUNT, {OFFER.key: "price list", PHOTO.key: "", b"unknown": "x"})
    assert await engine.awaiting(ACCOUNT, 10) == {}
    assert await hits(engine, in_attachments("price")) == [1]
    assert await hits(engine, in_attachments("pr")) == [1]
    for question in (text("price"), body("price"), in_attachments("file")):
        assert await hits(engine, question) == []


async def test_a_later_extraction_replaces_the_text(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch({1: OFFER, 2: PHOTO}, awaiting={OFFER.key: "blob1"}))
    for extracted in ("first words", "second words", "second words"):
        await engine.add_attachments(ACCOUNT, {OFFER.key: extracted})
    assert await hits(engine, in_attachments("first")) == []
    assert await hits(engine, in_attachments("second")) == [1]
    await engine.add_attachments(ACCOUNT, {OFFER.key: ""})
    assert await hits(engine, in_attachments("words")) == []
    assert list(await engine.rank(ACCOUNT, [], SoughtWords("second"), 10)) == []


async def test_words_of_message_and_attachment_are_sought_together(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch({1: OFFER, 2: PHOTO}, awaiting={OFFER.key: "blob1"}))
    await engine.add_attachments(ACCOUNT, {OFFER.key: "price list"})
    for query in (
        SoughtWords("offer price file"),
        SoughtWords("price", WordField.ATTACHMENTS),
        AllWords((SoughtWords("offer", WordField.SUBJECT), SoughtWords("list"))),
    ):
        assert [place.uid for place in await engine.rank(ACCOUNT, [], query, 10)] == [1]
    assert list(await engine.rank(ACCOUNT, [], SoughtWords("price", WordField.BODY), 10)) == []


async def test_attachments_leave_with_the_message(engine: TextEngine) -> None:
    await engine.add(ACCOUNT, batch({1: OFFER}, awaiting={OFFER.key: "blob1"}))
    await engine.add_attachments(ACCOUNT, {OFFER.key: "price list"})
    await engine.retain(ACCOUNT, INBOX, ())
    state = await engine.state(ACCOUNT)
    assert (state.documents, state.text_octets, state.awaiting) == (0, 0, 0)
