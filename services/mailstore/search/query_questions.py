"""The questions of keys that only the query language has: words next to each other, and attachments."""

from __future__ import annotations

import msgspec

from shared.protocol.message.folding import fold
from shared.protocol.search.fuzzy import FuzzyPiece, phrase_piece
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2 import SearchKey

PHRASE_PLACES = {
    "anywhere": (0, 1, 2, 3),
    "subject": (0,),
    "from": (1,),
    "to": (2,),
    "body": (3,),
    "attachment": (),
}
"""By field the places in WordTexts where reading finds words; it knows none of attachments."""


class PhraseQuestion(msgspec.Struct, frozen=True):
    """Whether the words of the text follow each other in a text of the field."""

    field: str
    text: str
    is_prefix: bool

    @property
    def piece(self) -> FuzzyPiece:
        """The words that are compared."""
        return phrase_piece(self.text, is_prefix=self.is_prefix)


class AttachmentTextQuestion(msgspec.Struct, frozen=True):
    """Whether the texts of attachments, which only the index knows, contain the text."""

    text: str


class AttachmentQuestion(msgspec.Struct, frozen=True):
    """Whether there are attachments."""


class FilenameQuestion(msgspec.Struct, frozen=True):
    """Whether the name of an attachment contains the text."""

    text: str


StructureQuestion = AttachmentQuestion | FilenameQuestion


def indexed_query_question(key: SearchKey) -> PhraseQuestion | AttachmentTextQuestion | None:
    """The question of such a key that the index can answer; None when every message satisfies it, or for other keys."""
    match key.WhichOneof("key"):
        case "words":
            asked = key.words
            question = PhraseQuestion(asked.field, asked.text, asked.is_prefix)
            return question if asked.field in PHRASE_PLACES and question.piece.words.tokens else None
        case "attachment_text":
            return AttachmentTextQuestion(fold(key.attachment_text)) if key.attachment_text else None
        case _:
            return None
