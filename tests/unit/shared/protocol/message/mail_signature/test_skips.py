"""Messages that stay as they are, each with its reason."""

from __future__ import annotations

import pytest

from shared.protocol.message.mail_signature.outcome import SkipReason
from shared.protocol.message.mail_signature.placing import PlacingRules
from shared.protocol.message.mail_signature.template import MailSignature
from tests.unit.shared.protocol.message.mail_signature.reading import crlf, placed, refusal

HEAD = "From: ann@example.org\nMIME-Version: 1.0\n"
TEXT = "Content-Type: text/plain\n\nHello\n"
HTML = "Content-Type: text/html\n\n<p>Hello</p>\n"


def multipart(subtype: str, *parts: str, boundary: str = "b") -> str:
    head = f"Content-Type: multipart/{subtype}; boundary={boundary}\n\n"
    return head + "".join(f"--{boundary}\n{part}\n" for part in parts) + f"--{boundary}--\n"


SIGNED = multipart("signed", TEXT, "Content-Type: application/pgp-signature\n\nx", boundary="s")
ENCRYPTED = multipart(
    "encrypted",
    "Content-Type: application/pgp-encrypted\n\nVersion: 1",
    "Content-Type: application/octet-stream\n\nx",
    boundary="e",
)
ARMOUR = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello\n"
PUBLIC_KEY = "Here is my key.\n\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n"


def attached(message: str) -> str:
    return multipart("mixed", TEXT, "Content-Type: message/rfc822\n\nFrom: bob@example.net\n" + message)


CASES: dict[str, tuple[SkipReason, str, str]] = {
    "signed": (SkipReason.SIGNED, "", SIGNED),
    "signed within mixed": (SkipReason.SIGNED, "2", multipart("mixed", TEXT, SIGNED)),
    "signed in an attached message": (SkipReason.SIGNED, "2", attached(SIGNED)),
    "encrypted": (SkipReason.SIGNED, "", ENCRYPTED),
    "encrypted within mixed": (SkipReason.SIGNED, "2", multipart("mixed", TEXT, ENCRYPTED)),
    "encrypted, as a gateway leaves it": (
        SkipReason.SIGNED,
        "2",
        multipart("mixed", TEXT, "Content-Type: application/pgp-encrypted\n\nVersion: 1"),
    ),
    "S/MIME": (SkipReason.SIGNED, "1", "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx\n"),
    "S/MIME within mixed": (
        SkipReason.SIGNED,
        "2",
        multipart("mixed", TEXT, "Content-Type: application/x-pkcs7-mime; smime-type=signed-data\n\nx"),
    ),
    "a signature of others": (SkipReason.SIGNED, "", "DKIM-Signature: v=1; d=example.org\n" + TEXT),
    "a seal": (SkipReason.SIGNED, "", "ARC-Seal: i=1\n" + TEXT),
    "armour": (SkipReason.PGP_TEXT, "1", "\n" + ARMOUR),
    "armour under a text": (SkipReason.PGP_TEXT, "1", "\n" + PUBLIC_KEY),
    "armour in one alternative": (
        SkipReason.PGP_TEXT,
        "1",
        multipart("alternative", "Content-Type: text/plain\n\n" + ARMOUR, HTML),
    ),
    "armour in HTML": (SkipReason.PGP_TEXT, "1", "Content-Type: text/html\n\n<pre>" + ARMOUR + "</pre>"),
    "armour in base64": (
        SkipReason.PGP_TEXT,
        "1",
        "Content-Transfer-Encoding: base64\n\nSGkKLS0tLS1CRUdJTiBQR1AgTUVTU0FHRS0tLS0tCgp4Cg==\n",
    ),
    "a DSN": (
        SkipReason.REPORT,
        "",
        multipart("report", TEXT, "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x"),
    ),
    "an MDN without its multipart": (
        SkipReason.REPORT,
        "2",
        multipart("mixed", TEXT, "Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; a@b"),
    ),
    "an invitation": (
        SkipReason.CALENDAR,
        "2",
        multipart("alternative", TEXT, "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR"),
    ),
    "a reply to an invitation": (
        SkipReason.CALENDAR,
        "1",
        "Content-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\n",
    ),
    "a calendar without a method": (
        SkipReason.CALENDAR,
        "2",
        multipart("mixed", TEXT, "Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REPLY"),
    ),
    "no text": (SkipReason.NO_TEXT, "", "Content-Type: image/png\n\nx\n"),
    "nothing but attachments": (
        SkipReason.NO_TEXT,
        "",
        multipart(
            "mixed",
            "Content-Type: text/plain; name=a.txt\n\nx",
            "Content-Type: text/html\nContent-Disposition: attachment\n\nx",
        ),
    ),
    "nothing but a message": (SkipReason.NO_TEXT, "", "Content-Type: message/rfc822\n\nFrom: b@example.net\n\nx\n"),
    "a digest": (SkipReason.NO_TEXT, "", multipart("digest", "\nFrom: b@example.net\n\nx")),
    "an alternative that is no text": (
        SkipReason.OTHER_ALTERNATIVE,
        "2",
        multipart("alternative", TEXT, "Content-Type: text/x-amp-html\n\n<html amp4email>", HTML),
    ),
    "a multipart without parts": (
        SkipReason.BROKEN_STRUCTURE,
        "1",
        "Content-Type: multipart/mixed; boundary=x\n\nHi\n",
    ),
    "a signed part without parts": (
        SkipReason.BROKEN_STRUCTURE,
        "2",
        multipart("mixed", TEXT, 'Content-Type: multipart/signed; protocol="application/pgp-signature"\n\nx'),
    ),
    "two types": (SkipReason.BROKEN_STRUCTURE, "1", "Content-Type: text/plain\nContent-Type: text/html\n\nHi\n"),
    "a broken type": (SkipReason.BROKEN_STRUCTURE, "1", "Content-Type: text\n\nHi\n"),
    "an unknown encoding": (SkipReason.UNKNOWN_ENCODING, "1", "Content-Transfer-Encoding: x-uuencode\n\nHi\n"),
    "text under base64": (
        SkipReason.BROKEN_ENCODING,
        "1",
        "Content-Transfer-Encoding: base64\n\nSGVsbG8=\n_____\nA list\n",
    ),
    "base64 in two pieces": (SkipReason.BROKEN_ENCODING, "1", "Content-Transfer-Encoding: base64\n\nSGk=\nSGk=\n"),
    "base64 with a piece of a character": (
        SkipReason.BROKEN_ENCODING,
        "1",
        "Content-Transfer-Encoding: base64\n\nSGVsbG8hI\n",
    ),
    "an unknown charset": (SkipReason.UNKNOWN_CHARSET, "1", "Content-Type: text/plain; charset=x-klingon\n\nHi\n"),
    "a codec that is no charset": (SkipReason.UNKNOWN_CHARSET, "1", "Content-Type: text/plain; charset=rot13\n\nHi\n"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_message_stays_as_it_is(name: str) -> None:
    reason, number, rest = CASES[name]
    assert refusal(crlf(HEAD + rest)) == (reason, number)


def test_every_reason_has_a_test() -> None:
    elsewhere = {
        SkipReason.NO_SIGNATURE,
        SkipReason.AUTOMATIC,
        SkipReason.ALREADY_THERE,
        SkipReason.TOO_LARGE,
        SkipReason.TOO_MANY_PARTS,
        SkipReason.BROKEN_CHARSET,
    }
    assert {reason for reason, _, _ in CASES.values()} | elsewhere == set(SkipReason)


@pytest.mark.parametrize("signature", [MailSignature(), MailSignature(" \n", "<!-- x -->"), MailSignature("-- \n")])
def test_a_blank_signature_is_not_placed(signature: MailSignature) -> None:
    assert refusal(crlf(HEAD + TEXT), signature).reason is SkipReason.NO_SIGNATURE


@pytest.mark.parametrize("value", ["auto-replied", "auto-generated", "Auto-Notified; x=y", "(no) auto-generated", ""])
def test_mail_of_programs_has_a_switch(value: str) -> None:
    message = crlf(f"Auto-Submitted: {value}\n" + HEAD + TEXT)
    assert refusal(message).reason is SkipReason.AUTOMATIC
    assert b"Example Ltd" in placed(message, rules=PlacingRules(signs_automatic=True))


@pytest.mark.parametrize("value", ["no", "NO", "no (a person)", "no; x=y"])
def test_mail_of_people_says_so(value: str) -> None:
    assert b"Example Ltd" in placed(crlf(f"Auto-Submitted: {value}\n" + HEAD + TEXT))


def test_the_octets_of_the_texts_have_a_limit() -> None:
    message = crlf(HEAD + multipart("alternative", TEXT + "x" * 100, HTML))
    assert refusal(message, rules=PlacingRules(text_octets=120)) == (SkipReason.TOO_LARGE, "2")
    assert b"Example Ltd" in placed(message, rules=PlacingRules(text_octets=130))


def test_attachments_do_not_count_as_text() -> None:
    attachment = "Content-Type: text/plain\nContent-Disposition: attachment\n\n" + "x\n" * 1000
    assert b"Example Ltd" in placed(
        crlf(HEAD + multipart("mixed", TEXT, attachment)), rules=PlacingRules(text_octets=9)
    )


def test_what_is_in_attached_messages_does_not_decide() -> None:
    """They are carried as they are, so an attached DSN, invitation or armour does not matter."""
    report = multipart("report", TEXT, "Content-Type: message/delivery-status\n\nx", boundary="r")
    for inner in (report, "Content-Type: text/calendar; method=REPLY\n\nx\n", "\n" + ARMOUR):
        assert b"Example Ltd" in placed(crlf(HEAD + attached(inner)))


def test_a_calendar_file_is_an_attachment() -> None:
    file = "Content-Type: text/calendar; name=a.ics\nContent-Disposition: attachment\n\nBEGIN:VCALENDAR"
    assert b"Example Ltd" in placed(crlf(HEAD + multipart("mixed", TEXT, file)))


def test_quoted_armour_is_no_armour() -> None:
    assert b"Example Ltd" in placed(
        crlf(HEAD + "\nHello\n\nOn 3.2.2025, 10:00, Bob wrote:\n> " + ARMOUR.replace("\n", "\n> "))
    )


SAID = "Ann Lee\nExample Ltd"


@pytest.mark.parametrize(
    "own",
    [
        f"Hello\n\n-- \n{SAID}\n",
        f"Hello\n\n{SAID}",
        "Hello\n\nann  LEE\n\nexample\u00a0ltd\n\nOn 3.2.2025, 10:00, Bob wrote:\n> Hi\n",
        "Hello\n\nAnn Lee Example\nLtd\n",
        f"On 3.2.2025, 10:00, Bob wrote:\n> Hi\n\nHello\n-- \n{SAID}\n",
        f"Hello\n\nOn 3.2.2025, 10:00, Bob wrote:\n> Hi\n\n-- \n{SAID}\n",
    ],
)
def test_a_text_that_has_it_already(own: str) -> None:
    message = crlf(HEAD + "Content-Type: text/plain; charset=utf-8\n\n" + own)
    assert refusal(message) == (SkipReason.ALREADY_THERE, "1")


@pytest.mark.parametrize(
    "own",
    [
        "Hello, I am Ann Lee Example Ltd and write to you.\n",
        "Ann Lee\n",
        f"Hello\n\nOn 3.2.2025, 10:00, Bob wrote:\n> {SAID.replace(chr(10), chr(10) + '> ')}\n",
        f"Hello\n\n-----Original Message-----\nFrom: Ann\nSubject: x\n\nHi\n{SAID}\n",
    ],
)
def test_a_text_that_only_quotes_or_mentions_it(own: str) -> None:
    assert placed(crlf(HEAD + "\n" + own)).count(b"Ann Lee\r\nExample Ltd\r\n") >= 1


def test_html_that_has_it_already() -> None:
    for page in ("<p>Hi</p><div>Ann&nbsp;Lee</div><div>Example <b>Ltd</b></div>", "Hi<br>Ann Lee<br>Example Ltd"):
        assert refusal(crlf(HEAD + "Content-Type: text/html\n\n" + page)).reason is SkipReason.ALREADY_THERE
    quoted = '<p>Hi</p><blockquote type="cite">Ann Lee<br>Example Ltd</blockquote>'
    assert b"mail-signature" in placed(crlf(HEAD + "Content-Type: text/html\n\n" + quoted))


def test_if_one_alternative_has_it_the_other_gets_none() -> None:
    html = "Content-Type: text/html\n\n<p>Hello</p><p>Ann Lee<br>Example Ltd</p>\n"
    assert refusal(crlf(HEAD + multipart("alternative", TEXT, html))) == (SkipReason.ALREADY_THERE, "2")


def test_a_lying_charset_keeps_its_octets() -> None:
    head = b"From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    result = placed(head + b"Gr\xfc\xdfe\r\n")
    assert result == head + b"Gr\xfc\xdfe\r\n\r\n-- \r\nAnn Lee\r\nExample Ltd\r\n"
    ascii_head = head.replace(b"utf-8", b"us-ascii")
    assert ascii_head + b"Gr\xfc\xdfe\r\n" in placed(ascii_head + b"Gr\xfc\xdfe\r\n")
    assert refusal(ascii_head + b"Gr\xfc\xdfe\r\n", MailSignature("☃")) == (SkipReason.BROKEN_CHARSET, "1")
    # Octets that are UTF-8 need no guess.
    assert placed(ascii_head + "Grüße\r\n".encode(), MailSignature("☃")) == (
        head + "Grüße\r\n\r\n-- \r\n☃\r\n".encode()
    )
