"""The text of Word documents and ODF texts: what a person sees, in whatever pieces it is unpacked."""

from __future__ import annotations

import pytest

from services.indexer.extraction.child import office_xml
from services.indexer.extraction.child.office_xml import odf_text, word_text
from services.indexer.extraction.child.refusal import Refused
from tests.harness.documents import odf_from, zip_of

PARTS = {
    "word/document.xml": "<w:p><w:r><w:t>split</w:t></w:r><w:r><w:t xml:space='preserve'>word </w:t></w:r></w:p>"
    "<w:p><w:ins><w:t>inserted</w:t></w:ins><w:del><w:delText>deleted</w:delText></w:del><w:tab/><w:t>R&amp;D</w:t>"
    "<w:br/><w:t>&#x1F600;é</w:t></w:p><w:tbl><w:tc><w:p><w:t>a</w:t></w:p></w:tc><w:tc><w:p><w:t>b</w:t></w:p></w:tc>"
    "</w:tbl><w:instrText>HIDDEN</w:instrText><!-- <w:t>no</w:t> --><w:t/>",
    "word/header2.xml": "<w:t>head</w:t>",
    "word/comments.xml": "<w:t>remark</w:t>",
    "word/styles.xml": "<w:t>style</w:t>",
}


@pytest.mark.parametrize("piece", [7, 64, 1 << 18])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_word(monkeypatch: pytest.MonkeyPatch, piece: int, encoding: str) -> None:
    monkeypatch.setattr(office_xml, "_PIECE", piece)
    text = "".join(word_text(zip_of({name: content.encode(encoding) for name, content in PARTS.items()})))
    assert text.split("\n") == [
        "splitword ",
        "inserted R&D",
        "😀é",
        "a",
        "b",
        "",
        "remark",
        "head",
        "",
    ]


def test_odf() -> None:
    body = (
        "<office:text><text:h>Title</text:h><text:p>one <text:span>sp</text:span>an<text:s/>x<text:note><text:p>note"
        "</text:p></text:note>&amp;</text:p>outside</office:text>"
    )
    assert "".join(odf_text(odf_from("text", body))).split("\n") == ["Title", "one span xnote", "&", "", ""]


def test_octets_and_parts_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office_xml, "_MOST_OCTETS", 100_000)
    monkeypatch.setattr(office_xml, "_PIECE", 1000)
    texts: list[str] = []
    with pytest.raises(Refused):
        texts.extend(word_text(zip_of({"word/document.xml": "<w:t>" + "walrus " * 100_000})))
    assert 80_000 < len("".join(texts)) < 110_000
    assert len("".join(word_text(zip_of({f"word/header{number}.xml": "" for number in range(3000)})))) <= 1000
