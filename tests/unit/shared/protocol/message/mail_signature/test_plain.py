"""Plain text: where its own part ends, and lines that are fixed or flowed (RFC 3676)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.message.mail_signature.outcome import PlacedSignature, SignaturePosition
from shared.protocol.message.mail_signature.plain_placing import flowed_lines
from shared.protocol.message.mail_signature.template import MailSignature
from tests.unit.shared.protocol.message.mail_signature.reading import crlf, outcome, placed, texts

HEAD = "From: ann@example.org\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8"
SIGNED = "Hello\n\nAnn Lee\nExample Ltd\n\n"


def signed(text: str, parameters: str = "", signature: MailSignature | None = None) -> str:
    message = crlf(f"{HEAD}{parameters}\n\n{text}")
    result = placed(message, signature) if signature else placed(message)
    return texts(result)[0].replace("\r\n", "\n")


QUOTATIONS = {
    "lines": "> Hi\n> Ann\n",
    "Gmail": "On Mon, 3 Feb 2025 at 10:01, Bob <bob@example.net> wrote:\n\n> Hi\n>\n> Ann\n",
    "Gmail, folded": "On Mon, Feb 3, 2025 at 10:01 AM Bob Miller\n<bob@example.net> wrote:\n\n> Hi\n",
    "Thunderbird": "On 2/3/25 10:01, Bob wrote:\n> Hi\n>> Ho\n",
    "Thunderbird, German": "Am 03.02.25 um 10:01 schrieb Bob Müller:\n> Hi\n",
    "French": "Le lun. 3 févr. 2025 à 10:01, Bob <bob@example.net> a écrit :\n> Hi\n",
    "Spanish": "El lun, 3 feb 2025 a las 10:01, Bob (<bob@example.net>) escribió:\n\n> Hi\n",
    "Dutch": "Op ma 3 feb 2025 om 10:01 schreef Bob <bob@example.net>:\n\n> Hi\n",
    "Japanese": "2025年2月3日(月) 10:01 Bob <bob@example.net>:\n\n> Hi\n",
    "an attribution with an address": "bob@example.net, yesterday:\n> Hi\n",
    "no `>` under the attribution": "On Mon, 3 Feb 2025 at 10:01, Bob <bob@example.net> wrote:\nHi\nAnn\n",
    "Outlook": "-----Original Message-----\nFrom: Bob\nSent: Monday\nTo: Ann\nSubject: x\n\nHi\n",
    "Outlook with `>`": "-----Original Message-----\n> From: Bob\n> Subject: x\n>\n> Hi\n",
    "Outlook, German": "-----Ursprüngliche Nachricht-----\nVon: Bob\nGesendet: Montag\nBetreff: x\n\nHi\n",
    "Outlook, a line": "________________________________\nFrom: Bob <bob@example.net>\nSent: Monday\n\nHi\n",
    "Outlook without a line": "From: Bob <bob@example.net>\nSent: Monday\nTo: Ann\nSubject: x\n\nHi\n",
    "Outlook in bold": "*From:* Bob <bob@example.net>\n*Sent:* Monday\n*Subject:* x\n\nHi\n",
    "Gmail, forwarded": "---------- Forwarded message ---------\nFrom: Bob\nDate: Mon\nSubject: x\n\nHi\n",
    "Thunderbird, forwarded": "-------- Weitergeleitete Nachricht --------\nVon: Bob\nBetreff: x\n\nHi\n",
    "Apple, forwarded": "Begin forwarded message:\n\n> From: Bob\n> Subject: x\n>\n> Hi\n",
}


@pytest.mark.parametrize("name", QUOTATIONS)
@pytest.mark.parametrize("parameters", ["", "; format=flowed"])
def test_it_is_above_the_quotation(name: str, parameters: str) -> None:
    assert signed("Hello\n\n" + QUOTATIONS[name], parameters) == SIGNED + QUOTATIONS[name]


@pytest.mark.parametrize("name", QUOTATIONS)
def test_an_answer_without_words_has_it_on_top(name: str) -> None:
    assert signed(QUOTATIONS[name]) == "Ann Lee\nExample Ltd\n\n" + QUOTATIONS[name]


def test_the_position_is_reported() -> None:
    for text, position in (("x", SignaturePosition.END), ("x\n> y\n", SignaturePosition.ABOVE_QUOTATION)):
        result = outcome(crlf(f"{HEAD}\n\n{text}"))
        assert isinstance(result, PlacedSignature)
        assert [changed.position for changed in result.texts] == [position]


@pytest.mark.parametrize("gap", ["", "\n", "\n\n\n"])
def test_blank_lines_stay(gap: str) -> None:
    assert signed(f"Hello\n{gap}> Hi\n") == f"Hello\n\nAnn Lee\nExample Ltd\n{gap or chr(10)}> Hi\n"
    assert signed(f"Hello\n{gap}") == f"Hello\n\n-- \nAnn Lee\nExample Ltd\n{gap}"


@pytest.mark.parametrize(
    "text",
    [
        "On 3.2.2025, 10:00, Bob wrote:\n> Hi\n\nHello\n",
        "> Hi\nHello\n> Ho\nBye\n",
        "Hello > you\n",
        "See this:\nHello\n",
        "--- Agenda ---\nTime: 10\nPlace: here\n",
        "From: is a word\nHello\n",
        "I wrote:\nHello\n",
        "My answer from 10:30 to what you wrote:\nHello\n",
    ],
)
def test_it_is_at_the_end_of_a_text_without_a_quotation_at_its_end(text: str) -> None:
    assert signed(text) == text + "\n-- \nAnn Lee\nExample Ltd\n"


def test_the_senders_own_block_stays_below_the_quotation() -> None:
    quotation = "On 3.2.2025, 10:00, Bob wrote:\n> Hi\n\n-- \nAnn\n"
    assert signed("Hello\n\n" + quotation) == SIGNED + quotation
    assert signed("> Hi\n-- \nAnn\n") == "> Hi\n-- \nAnn\n\nAnn Lee\nExample Ltd\n"


def test_a_text_has_one_separator() -> None:
    assert signed("Hello\n-- \nAnn\n") == "Hello\n-- \nAnn\n\nAnn Lee\nExample Ltd\n"
    assert signed("Hello\n", "", MailSignature("-- \nAnn")) == "Hello\n\n-- \nAnn\n"


def test_line_ends_are_those_of_the_text() -> None:
    message = crlf(HEAD + "\nContent-Transfer-Encoding: base64\n\nSGVsbG8KCg==\n")
    assert texts(placed(message)) == ["Hello\n\n-- \nAnn Lee\nExample Ltd\n\n"]


def unflowed(text: str, *, deletes_space: bool) -> list[str]:
    """The paragraphs of flowed text as RFC 3676 §4.4 and §4.5 describe their reading."""
    paragraphs, is_open = [], False
    for stuffed in text.split("\n"):
        line = stuffed.removeprefix(" ")
        is_flowed = line.endswith(" ") and line != "-- "
        content = line[:-1] if is_flowed and deletes_space else line
        if is_open and line != "-- ":
            paragraphs[-1] += content
        else:
            paragraphs.append(content)
        is_open = is_flowed
    return paragraphs


LINES = ["From me", " indented", ">not quoted", "word " * 40 + "end", "x" * 200, "", "--", "a  b" * 50]


@pytest.mark.parametrize("parameters", ["; format=flowed", '; Format="Flowed"; DelSp=yes', "; format=flowed; delsp=no"])
def test_flowed_text_is_read_back(parameters: str) -> None:
    deletes_space = "=yes" in parameters
    result = signed("Hello \nworld\n", parameters, MailSignature("\n".join(LINES[:1] + LINES)))
    hello = "Helloworld" if deletes_space else "Hello world"
    assert unflowed(result, deletes_space=deletes_space) == [hello, "", "-- ", LINES[0], *LINES, ""]
    assert "\n-- \n From me\n From me\n  indented\n >not quoted\nword word" in result
    assert max(len(line) for line in result.split("\n") if "xxx" not in line) <= 74


def test_fixed_text_is_not_stuffed() -> None:
    assert signed("Hello\n", "", MailSignature("From me\n>x\n y")).endswith("\n-- \nFrom me\n>x\n y\n")


@given(st.lists(st.text(st.sampled_from("ab -> F\u00e4"), max_size=200).map(str.rstrip)), st.booleans())
def test_any_lines_flow_and_are_read_back(rows: list[str], deletes_space: bool) -> None:
    flowed = list(flowed_lines(rows, deletes_space=deletes_space))
    assert unflowed("\n".join(flowed), deletes_space=deletes_space) == (rows or [""])
    assert "-- " not in flowed


@pytest.mark.parametrize(("lines", "is_seen"), [(1000, True), (20_000, False)])
def test_a_thread_without_marks_is_looked_for_in_a_bounded_number_of_lines(lines: int, is_seen: bool) -> None:
    result = signed("Hello\n" * lines + QUOTATIONS["Outlook"])
    assert result.endswith("\nHi\n") is is_seen
    assert result.endswith("Example Ltd\n") is not is_seen
