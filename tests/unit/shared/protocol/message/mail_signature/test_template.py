"""Placeholders, and the form that is made from the other one."""

from __future__ import annotations

import pytest

from shared.protocol.message.mail_signature.template import (
    MAX_HTML,
    MAX_PLACEHOLDERS,
    MAX_TEXT,
    MAX_VALUE,
    MailSignature,
    filled,
)

VALUES = {"name": "Ann & <Bob>", "address": "ann@example.org", "phone": "", "job.title": "Chief"}


def text_of(template: str, values: dict[str, str] = VALUES) -> str:
    return filled(MailSignature(template), values).text


def html_of(template: str, values: dict[str, str] = VALUES) -> str:
    return filled(MailSignature(html=template), values).html


def test_values_replace_placeholders() -> None:
    assert text_of("{name} <{address}>\n{job.title}{phone}") == "Ann & <Bob> <ann@example.org>\nChief"
    assert html_of("<b title='{name}'>{address}</b>") == "<b title='Ann &amp; &lt;Bob&gt;'>ann@example.org</b>"


@pytest.mark.parametrize("text", ["{fax}", "{Name}", "{ name }", "{}", "{name", "{1}", "{name!r}", "{name.__class__}"])
def test_what_is_no_known_placeholder_stays(text: str) -> None:
    assert text_of(text) == text


def test_double_braces_are_not_an_escape() -> None:
    assert text_of("{{name}}") == "{Ann & <Bob>}"


def test_values_are_not_filled_again() -> None:
    assert text_of("{name}", {"name": "{address}", "address": "x"}) == "{address}"


@pytest.mark.parametrize(
    "value", ["a\r\nb", "a\nb", "a\u2028b", "a\x0bb", "a\x85b", "a\tb", "a\u202eb", "a \x00 b", " a  b\n", "a\ud800b"]
)
def test_a_value_is_one_line(value: str) -> None:
    assert text_of("{name}", {"name": value}) == "a b"


def test_names_keep_their_joiners() -> None:
    assert text_of("{name}", {"name": "می\u200cخواهم"}) == "می\u200cخواهم"


def test_a_value_has_a_limit() -> None:
    assert text_of("{name}", {"name": "x" * 100_000}) == "x" * MAX_VALUE


def test_a_template_has_limits() -> None:
    for mistake in (
        {"text": "x" * (MAX_TEXT + 1)},
        {"html": "x" * (MAX_HTML + 1)},
        {"text": "{name}" * (MAX_PLACEHOLDERS + 1)},
        {"html": "{name}" * (MAX_PLACEHOLDERS + 1)},
    ):
        with pytest.raises(ValueError, match="at most"):
            MailSignature(**mistake)
    longest = MailSignature("{name}" * MAX_PLACEHOLDERS, "{name}" * MAX_PLACEHOLDERS)
    result = filled(longest, {"name": '"' * 1000})
    assert len(result.text) == MAX_PLACEHOLDERS * MAX_VALUE
    assert len(result.html) == MAX_PLACEHOLDERS * MAX_VALUE * len("&quot;")


def test_html_is_made_from_text() -> None:
    assert filled(MailSignature("{name}\n\n  a  <b>"), VALUES).html == (
        "Ann &amp; &lt;Bob&gt;<br>\n<br>\n&nbsp; a&nbsp; &lt;b&gt;"
    )


def test_text_is_made_from_html() -> None:
    html = '<p>{name}<br><a href="https://example.org/">Example</a></p>'
    assert filled(MailSignature(html=html), VALUES).text == "Ann & <Bob>\nExample <https://example.org/>"


def test_an_image_alone_is_html() -> None:
    assert filled(MailSignature("Ann", "<img src='https://example.org/a.png'>"), {}).html.startswith("<img")


@pytest.mark.parametrize(
    ("html", "fragment"),
    [
        ("<!DOCTYPE html><html><head><title>x</title></head><body class=y><p>A</p></body></html>", "<p>A</p>"),
        ("<p>A</p><!-- open", "<p>A</p>"),
        ("<p>A</p><script>x</script><p>B</p>", "<p>A</p><p>B</p>"),
        ("<p>A</p><style>x", "<p>A</p>"),
        ("<p>A</p><textarea>x", "<p>A</p>"),
        ("<p>A</p><a href='", "<p>A</p>"),
        ("<p>A</p><plaintext>B", "<p>A</p>B"),
    ],
)
def test_html_is_a_fragment_that_hides_nothing(html: str, fragment: str) -> None:
    assert html_of(html) == fragment


@pytest.mark.parametrize("text", ["-- \nAnn", "--\r\nAnn \r\n\r\n", "\n\n--\n\nAnn\t\n", "Ann\x00\ufeff"])
def test_the_text_has_no_separator_and_no_blanks_at_the_ends(text: str) -> None:
    assert text_of(text) == "Ann"
