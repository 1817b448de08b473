"""A header is skipped only when none of its texts can contain the text that is searched for."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.protocol.message import search_texts
from shared.protocol.message.needles import Needles
from shared.protocol.message.search_texts import ADDRESS_FIELDS, field_texts, header_texts

PIECES = [
    *(
        "From",
        "To",
        "cc",
        "Subject",
        "X-To",
        "wan",
        "da",
        "WAN",
        "wanda@x.example",
        "\u017f",
        "\xe9",
        "=?utf-8?q?wan?=",
    ),
    *(
        ":",
        " : ",
        ": ",
        " ",
        "\r\n",
        "\r\n ",
        "\n\t",
        "\r\r\n ",
        "\t",
        '"',
        "(",
        ")",
        "\\",
        "<",
        ">",
        "@",
        ".",
        ",",
        ";",
        "\0",
    ),
]
HEADERS = st.lists(st.sampled_from(PIECES), max_size=24).map(lambda pieces: "".join(["From: ", *pieces]).encode())
TEXTS = st.lists(st.sampled_from([*PIECES, "w", "a", "nd", "x", "from", "ss"]), max_size=4).map("".join)


@settings(max_examples=2000)
@given(HEADERS, TEXTS)
@example(b'From: wan"da"@x.example\r\n', "wanda")
@example(b"From: wan(x)da@x.example\r\n", "wanda@x")
@example(b"From: <a@wan da> (x)\r\n", "wanda")
@example(b"Subject : wan\r\n da\r\n", "subject: wan da")
@example(b"Subject:wan\r\n", "t: wan")
@example("Subject: \u017fubject\r\n".encode(), "ss")
def test_no_text_that_holds_a_needle_is_passed_over(header: bytes, text: str) -> None:
    """With needles, either all texts are returned or none; none only when no text contains a needle."""
    needle = text.casefold()
    needles = Needles([needle])
    everything = list(header_texts(header))
    assert list(header_texts(header, needles)) in ([], everything)
    assert _holds(header_texts(header, needles), needle) == _holds(everything, needle)
    for name in (*ADDRESS_FIELDS, "subject"):
        assert _holds(field_texts(header, name, needles), needle) == _holds(field_texts(header, name), needle)


def _holds(texts: Iterable[str], needle: str) -> bool:
    return any(needle in text.casefold() for text in texts)


def test_a_plain_header_without_the_needle_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work for most messages of a search: their octets are searched, and nothing is decoded."""
    header = (
        b'Received: by mx (at home) for <a@x.example>\r\nFrom: "Wanda Lee"\r\n <w@x.example>\r\nSubject: tea\r\n\r\n'
    )
    taken_apart = []
    monkeypatch.setattr(search_texts, "decode_words", lambda value: taken_apart.append(value) or "")
    needles = Needles(["coffee", "\xe9t\xe9"])
    assert not list(header_texts(header, needles))
    assert not list(field_texts(header, "from", needles))
    assert not list(field_texts(header, "subject", needles))
    assert not taken_apart
    assert list(field_texts(header, "from", Needles(["lee"])))
