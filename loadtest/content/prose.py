"""Running text from a vocabulary: sentences, wrapped plain text, and the same as HTML."""

from __future__ import annotations

import random
import re
from html import escape

from loadtest.content.vocabulary import ACCENTED, Vocabulary

WIDTH = 72
_LINE = re.compile(rf"(\S.{{0,{WIDTH - 1}}})(?: |$)")
_SENTENCE_LENGTHS = range(5, 19)
_ENDS = (".", ".", ".", ".", "?", "!")


def paragraphs(chance: random.Random, vocabulary: Vocabulary, size: int) -> list[str]:
    """Paragraphs of about `size` characters in total, each on a single line."""
    words = vocabulary.draw(chance, max(8, round(size / (vocabulary.mean_length + 1.15))))
    sentences = _sentences(chance, words)
    cuts = range(0, len(sentences), 4)
    return [" ".join(sentences[start : start + 4]) for start in cuts]


def _sentences(chance: random.Random, words: list[str]) -> list[str]:
    made, at = [], 0
    while at < len(words):
        length = chance.choice(_SENTENCE_LENGTHS)
        sentence = " ".join(words[at : at + length])
        made.append(sentence[0].upper() + sentence[1:] + chance.choice(_ENDS))
        at += length
    return made


def with_accents(chance: random.Random, texts: list[str]) -> list[str]:
    """The paragraphs, each with a final word that is not ASCII."""
    return [f"{text} {chance.choice(ACCENTED)}." for text in texts]


def with_links(chance: random.Random, texts: list[str], site: str) -> list[str]:
    """The paragraphs, with a link to `site` at the end of the first and every third."""
    links = (f"https://www.{site}/{chance.randrange(10**6):06d}" for _ in texts)
    return [
        f"{text} {link}" if number % 3 == 0 else text
        for number, (text, link) in enumerate(zip(texts, links, strict=True))
    ]


def plain(texts: list[str]) -> str:
    """Plain text, wrapped, with CRLF."""
    return "\r\n".join(_LINE.sub(r"\1\r\n", text) for text in texts)


def as_html(chance: random.Random, texts: list[str]) -> str:
    """An HTML page with one styled paragraph for each text, with CRLF."""
    body = "".join(
        f'<p style="font-family:Arial;color:#{chance.randrange(1 << 24):06x}">{_marked_up(text)}</p>\r\n'
        for text in texts
    )
    return f"<html><head><title>Letter</title></head><body>\r\n{body}</body></html>\r\n"


def _marked_up(text: str) -> str:
    linked = re.sub(r"(https://\S+)", r'<a href="\1">here</a>', escape(text, quote=False))
    return _LINE.sub(r"\1\r\n", linked)
