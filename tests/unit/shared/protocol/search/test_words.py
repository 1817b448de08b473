"""The words of the ranked index: what they are, that they are found, and where they are in the text."""

from __future__ import annotations

import sys
import unicodedata

import apsw
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.protocol.search.characters import CharacterTable, belongs_to_word
from shared.protocol.search.words import LONGEST_TOKEN, is_unspaced, occurs, placed_words, query_words, words

PIECES = (
    *(
        "Straße",
        "ŒUVRE",
        "d\u00e9j\u00e0",
        "de\u0301ja\u0300",
        "İstanbul",
        "ısı",
        "Ærø",
        "Łódź",
        "Việt",
        "Đường",
        "ﬁne",
        "x²",
    ),
    *("Ёлка", "мой", "и\u0306", "їжак", "п'ять", "ΣΊΣΥΦΟΣ", "ᾳ", "हिन्दी", "क़लम", "مُحَمَّد", "می\u200cخواهم", "שָׁלוֹם"),
    *(
        "東京",
        "都",
        "ガギ",
        "ｶﾞｷﾞ",
        "か\u3099",
        "한국어는",
        "\u1112\u1161\u11ab",
        "ภาษาไทย",
        "ພາສາລາວ",
        "ភាសាខ្មែរ",
        "မြန်မာ",
    ),
    *(
        "don't",
        "it’s",
        "ann@example.org",
        "http://x.example/a_b?c=1",
        "1,000.50",
        "٣٤",
        "１２",
        "🎉",
        "👩\u200d💻",
        "™",
    ),
    *(
        " ",
        "\n",
        "-",
        "«",
        "»",
        "、",
        "\u00ad",
        "\u200b",
        "\ufe0f",
        "\u0301",
        "\x00",
        "㈱",
        "½",
        "a" * 70,
        "東" * 70,
        "\ufdfa",
    ),
)
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=8).map("".join)
UNSPACED = st.text("東京都大學カガギ한국어ไทยภาษา", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Hello, World!", "hello world"),
        ("don't don’t donʼt", "don t don t don t"),
        ("Ann <ann.b@example.org>", "ann ann b example org"),
        ("https://x.example/a_b?c=1", "https x example a b c 1"),
        ("1,000.50 €", "1 000 50"),
        ("Straße STRASSE", "strasse strasse"),
        ("déjà de\u0301ja\u0300", "deja deja"),
        ("Øl łódź Ærø þing Œuvre ħ", "ol lodz aero thing oeuvre h"),
        ("İstanbul ISTANBUL ısı", "istanbul istanbul isi"),
        ("Đường phố Việt Nam", "duong pho viet nam"),
        ("Ёлка мой и\u0306од їжак ґанок", "елка мой йод їжак ганок"),
        ("ΣΊΣΥΦΟΣ Σίσυφος ᾳ", "σισυφοσ σισυφοσ α"),
        ("हिन्दी", "हिन्दी"),
        ("क़लम क\u093cलम कलम", "कलम कलम कलम"),
        ("مُحَمَّد محمـــد", "محمد محمد"),
        ("أحمد إلى آب", "احمد الي اب"),
        ("می\u200cخواهم می خواهم", "مي خواهم مي خواهم"),
        ("שָׁלוֹם", "שלום"),
        ("ﬁne ½ x² Ⅷ １２ ٣٤", "fine 1 2 x2 viii 12 34"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("5㎏ ㈱東京 Name™", "5kg 株 東京 京 name"),
        ("東京都", "東京 京都 都"),
        ("中", "中"),
        ("iPhone手机 2024年", "iphone 手机 机 2024 年"),
        ("ガギ ｶﾞｷﾞ カ\u3099キ\u3099", "ガギ ギ ガギ ギ ガギ ギ"),
        ("한국어 \u1112\u1161\u11ab국", "한국 국어 어 한국 국"),
        ("ไทย", "ไท ทย ย"),
        ("🎉 ☕ — …", ""),
        ("a" * 100 + " b", "a" * LONGEST_TOKEN + " b"),
        ("x" * 100 + "東京", "x" * LONGEST_TOKEN + " 東京 京"),
        ("\ud800 \x00 ok", "ok"),
        ("\ue000x", "\ue000x"),
    ],
)
def test_words_of_many_languages(text: str, tokens: str) -> None:
    assert words(text) == tokens


@given(TEXTS)
@example("=\u0338x")
def test_tokens_are_separated_by_single_spaces(text: str) -> None:
    result = words(text)
    assert result == " ".join(result.split())
    for token in result.split():
        assert len(token) <= (2 if is_unspaced(token) else LONGEST_TOKEN)
        assert all(map(belongs_to_word, token))


@given(TEXTS)
def test_normal_forms_do_not_matter(text: str) -> None:
    """The decomposed text does not take the short way by a code page, so this compares both ways, too."""
    composed, decomposed = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    assert words(text) == words(composed) == words(decomposed) == words(decomposed + " 東")[:-1].rstrip()


@given(TEXTS, TEXTS, st.sampled_from(" \n\t"))
def test_a_text_may_be_cut_at_white_space(first: str, second: str, space: str) -> None:
    assert words(first + space + second) == f"{words(first)} {words(second)}".strip()


@given(TEXTS)
@example("\u0301a«b»e\u0301")
@example("ᄒ\u1161\u11ab")
def test_places_are_those_of_the_words(text: str) -> None:
    placed = list(placed_words(text))
    assert " ".join(word.text for word in placed) == words(text)
    assert [word.start for word in placed] == sorted(word.start for word in placed)
    for word in placed:
        assert 0 <= word.start < word.first_end <= word.end <= len(text)
        assert word.text in words(text[word.start : word.end]) or len(text) > LONGEST_TOKEN


@given(TEXTS, TEXTS, TEXTS)
def test_every_part_of_a_text_is_found(before: str, part: str, after: str) -> None:
    query = query_words(part)
    assert not query.tokens or occurs(query, words(f"{before} {part} {after}"))


@given(UNSPACED, st.data())
def test_every_part_of_a_run_without_spaces_is_found(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    part = text[start:end]
    if not unicodedata.combining(part[0]) and unicodedata.category(part[0]) != "Mn":
        assert occurs(query_words(part), words(f"x {text}y"))


@given(UNSPACED, UNSPACED)
def test_the_order_of_a_run_counts(text: str, other: str) -> None:
    """Pairs find a run only where the run is: no mail that has the same pairs elsewhere."""
    if unicodedata.is_normalized("NFC", text + other) and unicodedata.is_normalized("NFC", other):
        assert occurs(query_words(other), words(text)) == (other in text)


@pytest.mark.parametrize(
    ("query", "prefix", "text", "hit"),
    [
        ("report", False, "the reports", False),
        ("report", True, "the reports", True),
        ("new rep", True, "a new report", True),
        ("new rep", True, "new old report", False),
        ("example.org", False, "ann@example.org", True),
        ("org.example", False, "ann@example.org", False),
        ("京", False, "東京都", True),
        ("都", False, "東京都", True),
        ("東京 tower", False, "東京 Tower", True),
        ("東京 tower", False, "東京都 Tower", False),
        ("東京 tower", False, "東京Tower", True),
        ("", False, "x", False),
        ("!!", True, "x", False),
    ],
)
def test_what_a_query_finds(query: str, prefix: bool, text: str, hit: bool) -> None:
    assert occurs(query_words(query, prefix=prefix), words(text)) == hit


def test_every_character_of_unicode_becomes_characters_of_words() -> None:
    table = CharacterTable()
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        folded = character.translate(table)
        assert all(piece == " " or belongs_to_word(piece) for piece in folded), hex(code)
        if not belongs_to_word(character):
            assert not folded.strip() or "\u3200" <= character <= "\u33ff", hex(code)
        if unicodedata.category(character) == "Lo":
            assert folded or unicodedata.normalize("NFKD", character)[0] in "\u115f\u1160\u0640", hex(code)
    assert len(table) <= 1 << 16


def test_latin_needs_no_accents() -> None:
    """Every letter of the Latin blocks becomes ASCII."""
    blocks = [*range(0xC0, 0x180), *range(0x1E00, 0x1F00)]
    assert "".join(chr(code) for code in blocks if not words(chr(code)).isascii()) == ""


@given(TEXTS)
def test_sqlite_makes_the_same_tokens(text: str) -> None:
    """The tokenizer `ascii` splits at spaces only, because nothing else of ASCII is left that could separate."""
    database = apsw.Connection(":memory:")
    database.execute("CREATE VIRTUAL TABLE t USING fts5(words, tokenize='ascii')")
    database.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, 'instance')")
    database.execute("INSERT INTO t VALUES (?)", (words(text),))
    assert [row[0] for row in database.execute("SELECT term FROM v ORDER BY offset")] == words(text).split()
    query = query_words(text)
    if query.tokens:
        expression = f'"{" ".join(query.tokens)}"' + (" *" if query.prefix else "")
        assert database.execute("SELECT count(*) FROM t WHERE t MATCH ?", (expression,)).get == 1
