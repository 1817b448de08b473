"""HTML: the end of the page, and the quotations of common clients."""

from __future__ import annotations

import pytest

from shared.protocol.message.mail_signature.html_source import html_ends
from tests.unit.shared.protocol.message.mail_signature.reading import crlf, placed, texts

HEAD = "From: ann@example.org\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n"
INSERTED = '\n<div class="mail-signature"><br>\n<p>Ann Lee<br>Example Ltd</p>\n</div>\n'


def check(page: str) -> None:
    """The place for the signature is marked with `|`."""
    source = page.replace("|", "")
    result = texts(placed(crlf(HEAD + source + "\n")))[0].replace("\r\n", "\n")
    assert result == page.replace("|", INSERTED) + "\n"


ENDS = {
    "body": "<html><body><p>Hello</p>|</body></html>",
    "upper case": "<HTML><BODY>Hello|</BODY ></HTML>",
    "two bodies": "<body>Hello</body><body>again|</body>",
    "a body in a comment": "<body>Hello|</body><!-- </body> -->",
    "a body in a script": "<body>Hello|</body><script>'</body>'</script>",
    "a body in a style": "<body>Hello|</body><style></body></style>",
    "a body in a value": "<body>Hello|</body><img alt='</body>'>",
    "html without body": "<html>Hello|</html>",
    "Outlook's conditional comments": "<body>Hello<!--[if mso]></body><![endif]-->|</body>",
    "a quotation mark in a value": "<body><p title=don't>Hello|</body><p>don't</p>",
    "an open comment": "<p>Hello</p>|<!-- x",
    "an open script": "<p>Hello</p>|<script> x",
    "an open tag": "<p>Hello</p>|<img src=",
    "less than": "<body>1 < 2|</body>",
}


@pytest.mark.parametrize("name", ENDS)
def test_it_is_at_the_end_of_the_page(name: str) -> None:
    check(ENDS[name])


def test_it_is_at_the_end_of_a_fragment() -> None:
    assert texts(placed(crlf(HEAD + "<p>Hello</p>\n")))[0].replace("\r\n", "\n") == "<p>Hello</p>\n" + INSERTED


QUOTATIONS = {
    "Gmail": '<div dir="ltr">Hello</div><br>|<div class="gmail_quote gmail_quote_container"><div class="gmail_attr">'
    'On 3 Feb Bob wrote:<br></div><blockquote class="gmail_quote" style="x">Hi</blockquote></div>',
    "Outlook": "<div class=WordSection1><p>Hello</p><div>|<div style='border:none;border-top:solid #E1E1E1 1.0pt;"
    "padding:3.0pt 0in 0in 0in'><p><b>From:</b> Bob</p></div></div><p>Hi</p></div>",
    "Outlook on the web": '<body><div>Hello</div>|<div id="appendonsend"></div><hr><div id="divRplyFwdMsg">'
    "<b>From:</b> Bob</div><div>Hi</div></body>",
    "Outlook's anchor": '<body><p>Hello</p><p>|<a name="_MailOriginal">x</a></p><p>Hi</p></body>',
    "Apple Mail": '<body>Hello<div><br>|<blockquote type="cite"><div>On 3 Feb 2025, Bob wrote:</div>Hi'
    "</blockquote></div><br></body>",
    "Thunderbird": '<body><p>Hello</p>|<div class="moz-cite-prefix">On 3.2.25 Bob wrote:<br></div>\n<blockquote '
    'type="cite" cite="mid:x@y"><p>Hi</p><blockquote type="cite">Ho</blockquote></blockquote></body>',
    "Thunderbird, forwarded": '<body><p>Hello</p>|<div class="moz-forward-container"><div>x</div>Hi</div></body>',
    "Yahoo": '<div>Hello</div>|<div id="x" class="ydp1 yahoo_quoted">Hi</div>',
    "Proton": '<div>Hello</div>|<div class="protonmail_quote"><blockquote class="protonmail_quote" type="cite">Hi'
    "</blockquote></div>",
    "Roundcube": '<p>Hello</p>|<p id="reply-intro">On 3.2. Bob wrote:</p><blockquote type="cite">Hi</blockquote>',
    "GMX": "<div>Hello</div><div>|<div name=\"quote\" style='margin:10px'>Hi</div></div>",
    "Zimbra": '<body>Hello<br>|<hr id="zwchr"><b>From: </b>Bob<br>Hi</body>',
    "two in a row": 'Hello|<blockquote type="cite">Hi</blockquote><br><blockquote type=cite>Ho</blockquote>',
    "with no end": 'Hello|<blockquote type="cite">Hi<blockquote>',
    "with the sender's own block below": 'Hello|<blockquote type="cite">Hi</blockquote><div>-- <br>Ann</div>',
    "within the answers": '<blockquote type="cite">Hi</blockquote>Hello|<blockquote type="cite">Ho</blockquote>',
    "with nothing above": '|<div class="gmail_quote">Hi</div>',
}


@pytest.mark.parametrize("name", QUOTATIONS)
def test_it_is_above_the_quotation(name: str) -> None:
    check(QUOTATIONS[name])


@pytest.mark.parametrize(
    "page",
    [
        '<body><blockquote type="cite">Hi</blockquote><p>Hello</p>|</body>',
        '<body>Hello<blockquote type="cite">Hi</blockquote><p>Bye</p>|</body>',
        '<body>Hello<div class="gmail_quote">Hi</div>Bye<blockquote>A poem.</blockquote>|</body>',
        '<body><div class="moz-cite-prefix">Bob:</div><blockquote type="cite">Hi</blockquote><p>Hello</p>|</body>',
        '<body><blockquote type="cite">Hi</blockquote>-- <br>Ann|</body>',
        "<body><blockquote>A poem.</blockquote>|</body>",
        '<body><!-- <div class="gmail_quote">Hi</div> -->Hello|</body>',
        '<body><div class="my-gmail_quote-x">Hello</div>|</body>',
        '<body><img alt="<div class=gmail_quote>">Hello|</body>',
    ],
)
def test_it_is_at_the_end_where_no_quotation_ends_the_page(page: str) -> None:
    check(page)


@pytest.mark.parametrize(
    "page", ["", "<", "</body", "<!--", "<a b='", '<blockquote type="cite"', "</blockquote></div>"]
)
def test_offsets_of_broken_pages_are_in_order(page: str) -> None:
    end, start, stop = html_ends(page)
    assert 0 <= start <= stop <= len(page)
    assert 0 <= end <= len(page)
