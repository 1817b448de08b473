"""Questions for words next to each other: their fields, and what is refused."""

from __future__ import annotations

import pytest

from services.indexer.domain.word_query import SoughtWords, WordField
from services.indexer.endpoints.text_index import _of_words
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.indexer.v1.indexer_pb2 import TextQuestion


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("anywhere", WordField.ANYWHERE),
        ("subject", WordField.SUBJECT),
        ("from", WordField.FROM),
        ("to", WordField.TO),
        ("body", WordField.BODY),
        ("attachment", WordField.ATTACHMENTS),
    ],
)
def test_a_phrase_is_looked_for_in_its_field(name: str, field: WordField) -> None:
    asked = TextQuestion(kind=TextQuestion.PHRASE, name=name, text="big offer", is_prefix=True)
    assert _of_words(asked) == SoughtWords("big offer", field, is_phrase=True, is_prefix=True)


@pytest.mark.parametrize(
    ("name", "text"),
    [("cc", "a"), ("", "a"), ("body", ""), ("body", "!"), ("body", "a " * 401), ("body", "a" * 65_537)],
)
def test_other_questions_are_refused(name: str, text: str) -> None:
    with pytest.raises(Invalid):
        _of_words(TextQuestion(kind=TextQuestion.PHRASE, name=name, text=text))
