"""The header of the copies of a post, read back with Python's own parser."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

from shared.protocol.mailing_list.copy_header import copy_fields, post_header, rewritten_author
from shared.protocol.mailing_list.identity import ListIdentity
from shared.protocol.mailing_list.post import NoPost, no_post

DEVS = ListIdentity("devs@example.org", 'The "Dev" list', "devs-owner@example.org", "devs-leave@example.org")
POST = b"From: Ann <ann@example.net>\r\nTo: devs@example.org\r\nSubject: hello\r\n\r\n"


def read(octets: bytes) -> EmailMessage:
    parsed = message_from_bytes(octets, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_the_fields_of_a_copy() -> None:
    fields = read(copy_fields(DEVS, POST) + POST)
    assert {name: fields[name] for name in fields if name.startswith(("List-", "Prec"))} == {
        "List-Id": '"The \\"Dev\\" list" <devs.example.org>',
        "List-Post": "<mailto:devs@example.org>",
        "List-Help": "<mailto:devs-owner@example.org?subject=help>",
        "List-Owner": "<mailto:devs-owner@example.org>",
        "List-Unsubscribe": "<mailto:devs-leave@example.org>",
        "Precedence": "list",
    }
    assert "Auto-Submitted" not in fields and fields["Delivered-To"] == "devs@example.org"


def test_a_copy_is_no_post_of_its_list_whatever_another_list_has_replaced() -> None:
    copy = post_header(copy_fields(DEVS, POST) + POST)
    assert "List-Id" not in read(copy)
    assert no_post(DEVS.address, "ann@example.net", copy) is NoPost.LOOP


def test_a_precedence_of_the_author_stays_the_only_one() -> None:
    header = b"Precedence: bulk\r\n" + POST
    assert read(copy_fields(DEVS, header) + header).get_all("Precedence") == ["bulk"]


def test_a_description_in_any_language_is_encoded() -> None:
    described = ListIdentity(DEVS.address, "Grüße an " + "ä" * 180, DEVS.owner, DEVS.leave)
    octets = copy_fields(described, POST)
    assert octets.isascii() and max(map(len, octets.split(b"\r\n"))) < 78
    assert read(octets + POST)["List-Id"].startswith("Grüße an ä")
    assert read(octets + POST)["List-Id"].endswith("<devs.example.org>")


def test_a_header_that_needs_no_change_stays_the_same_object() -> None:
    assert post_header(POST) is POST


def test_the_fields_of_another_list_are_removed() -> None:
    other = b"List-Id: <x.y>\r\nlist-unsubscribe:\r\n\t<mailto:a@b>\r\nX-List-Id: kept\r\n" + POST
    assert post_header(other) == b"X-List-Id: kept\r\n" + POST


def test_the_author_is_rewritten_and_stays_reachable() -> None:
    author = rewritten_author(DEVS, "Ann", "ann@example.net", POST)
    changed = read(post_header(POST, author))
    assert changed["From"] == '"Ann via The \\"Dev\\" list" <devs@example.org>'
    assert (changed["Reply-To"], changed["X-Original-From"]) == ("ann@example.net", "ann@example.net")
    assert (changed["To"], changed["Subject"]) == ("devs@example.org", "hello")
    header = b"Reply-To: team@example.net\r\n" + POST
    changed = read(post_header(header, rewritten_author(DEVS, "", "ann@example.net", header)))
    assert changed.get_all("Reply-To") == ["team@example.net"]
    assert changed["From"].addresses[0].display_name == 'ann at example.net via The "Dev" list'


def test_a_name_adds_no_line_and_no_address() -> None:
    octets = rewritten_author(DEVS, "x\r\nBcc: eve@example.net\r\n<boss@example.org>", "ann@example.net", POST)
    changed = read(post_header(POST, octets))
    assert "Bcc" not in changed
    assert [str(address.addr_spec) for address in changed["From"].addresses] == ["devs@example.org"]
