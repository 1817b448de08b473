"""Reports about mail with SMTPUTF8, and UTF-8 addresses in reports of 7 bits (RFC 6533)."""

from __future__ import annotations

import msgspec
import pytest

from shared.protocol.dsn.content import Original, RecipientReport
from shared.protocol.dsn.report import build
from tests.unit.shared.protocol.dsn.reports import FAILED, HEADER, ORIGINAL, REPORTER, groups, parts, report

UTF8 = RecipientReport(
    "größe@example.net", "5.2.2", "Das Postfach ist «voll»", orcpt="utf-8;größe@example.net", reply="552 «voll»"
)


def machine_part(original: Original, *reports: RecipientReport) -> bytes:
    return build(original, reports, REPORTER).split(b"--bd-c1\r\n")[2]


def test_a_sender_without_smtputf8_gets_escapes() -> None:
    machines = machine_part(ORIGINAL, UTF8)
    assert machines.isascii()
    assert rb"Original-Recipient: utf-8;gr\x{F6}\x{DF}e@example.net" in machines
    assert rb"Final-Recipient: utf-8; gr\x{F6}\x{DF}e@example.net" in machines
    assert rb"Diagnostic-Code: smtp; 552 \x{AB}voll\x{BB}" in machines


@pytest.mark.parametrize(
    "original", [msgspec.structs.replace(ORIGINAL, smtputf8=True), Original("q1", "jörg@example.org", 0, HEADER)]
)
def test_a_sender_with_smtputf8_gets_utf8(original: Original) -> None:
    read = report(original, UTF8)
    assert read.get_param("report-type") == "global-delivery-status"
    assert [part.get_content_type() for part in parts(original, UTF8)] == [
        "text/plain",
        "message/global-delivery-status",
        "message/global-headers",
    ]
    group = groups(original, UTF8)[1]
    assert group["Original-Recipient"] == "utf-8;größe@example.net"
    assert group["Final-Recipient"] == "utf-8; größe@example.net"
    assert group["Diagnostic-Code"] == "smtp; 552 «voll»"
    assert b"To: <" + original.sender.encode() + b">\r\n" in build(original, (UTF8,), REPORTER)


def test_a_whole_mail_with_utf8_in_its_header_is_message_global() -> None:
    original = msgspec.structs.replace(ORIGINAL, smtputf8=True, body=b"x\r\n")
    assert parts(original)[2].get_content_type() == "message/global"
    plain = msgspec.structs.replace(original, header=b"Subject: x\r\n")
    assert parts(plain)[2].get_content_type() == "message/rfc822"


def test_an_ascii_recipient_stays_rfc822() -> None:
    group = groups(msgspec.structs.replace(ORIGINAL, smtputf8=True), FAILED)[1]
    assert (group["Final-Recipient"], group["Original-Recipient"]) == (
        "rfc822; full@example.net",
        "rfc822;Full@example.net",
    )


@pytest.mark.parametrize(("smtputf8", "umlaut"), [(True, "ü"), (False, "\\x{FC}")])
def test_characters_outside_of_qchar_are_escaped(smtputf8: bool, umlaut: str) -> None:
    odd = msgspec.structs.replace(FAILED, recipient='"ü+=\\ x"@example.net', orcpt="")
    group = groups(msgspec.structs.replace(ORIGINAL, smtputf8=smtputf8), odd)[1]
    assert group["Final-Recipient"] == f'utf-8; "{umlaut}\\x{{2B}}\\x{{3D}}\\x{{5C}}\\x{{20}}x"@example.net'


def test_a_long_address_is_not_cut_within_an_escape() -> None:
    machines = machine_part(ORIGINAL, msgspec.structs.replace(UTF8, recipient="a" + "𝄞" * 300))
    (line,) = (line for line in machines.split(b"\r\n") if line.startswith(b"Final-Recipient"))
    assert line.endswith(rb"\x{1D11E}")
    assert len(line) <= 998


@pytest.mark.parametrize("orcpt", ["no type", ";x", "rfc822;", "a b;c", "ü;x", "x" * 65 + ";y"])
def test_an_orcpt_without_valid_form_is_left_out(orcpt: str) -> None:
    assert "Original-Recipient" not in groups(ORIGINAL, msgspec.structs.replace(FAILED, orcpt=orcpt))[1]
