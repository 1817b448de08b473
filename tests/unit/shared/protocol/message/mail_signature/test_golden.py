"""Golden mails: the octets of the result, and what another MIME parser reads in them (see cases/README.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.protocol.message.mail_signature.outcome import NotPlaced, PlacedSignature
from shared.protocol.message.mail_signature.placing import place
from shared.protocol.message.mail_signature.template import MailSignature
from shared.protocol.message.outgoing.segments import ranges_of
from shared.protocol.message.scan import scan
from tests.unit.shared.protocol.message.mail_signature.reading import check, octets_of, parsed, read_part

CASES = Path(__file__).parent / "cases"
MAILS = sorted(path.name.removesuffix(".eml") for path in CASES.glob("*.eml") if not path.name.endswith(".placed.eml"))
PLACED = [name for name in MAILS if (CASES / f"{name}.placed.eml").exists()]
SIGNATURE = MailSignature(
    "{name} <{address}>\nKöln GmbH €",
    '<p><b>{name}</b> &lt;<a href="mailto:{address}">{address}</a>&gt;<br>\nKöln GmbH €</p>',
)
VALUES = {"name": "Jörg Müller", "address": "joerg@example.org"}
IN_HTML = ("J&#246;rg", "Jörg")


def mail(name: str) -> bytes:
    return (CASES / f"{name}.eml").read_bytes().replace(b"\n", b"\r\n")


def outcome(message: bytes) -> PlacedSignature | NotPlaced:
    scanned = scan(message)
    return place(message[: scanned.header_end], scanned, ranges_of(message), SIGNATURE, VALUES)


def test_both_kinds_are_there() -> None:
    assert len(PLACED) >= 8
    assert len(MAILS) - len(PLACED) >= 5


@pytest.mark.parametrize("name", PLACED)
def test_a_mail_has_its_signature(name: str) -> None:
    message = mail(name)
    result = outcome(message)
    assert isinstance(result, PlacedSignature)
    octets = octets_of(result)
    assert octets == mail(f"{name}.placed")
    check(message, result, octets)


@pytest.mark.parametrize("name", PLACED)
def test_another_parser_reads_the_signature_once_and_the_rest_unchanged(name: str) -> None:
    before = [read_part(part) for part in parsed(mail(name))]
    after = [read_part(part) for part in parsed(mail(f"{name}.placed"))]
    is_within_message = False
    for old, new in zip(before, after, strict=True):
        own = new.content_type in ("text/plain", "text/html") and not is_within_message and old != new
        is_within_message |= new.content_type == "message/rfc822"
        if not own:
            assert old == new
            continue
        assert old.text is not None
        assert new.text is not None
        names = IN_HTML if new.content_type == "text/html" else IN_HTML[1:]
        assert sum(new.text.count(f"{name} Müller") + new.text.count(f"{name} M&#252;ller") for name in names) == 1
        at = next(index for index, (a, b) in enumerate(zip(old.text + "\0", new.text + "\1", strict=False)) if a != b)
        assert any(new.text.endswith(old.text[start:]) for start in range(max(at - 9, 0), at + 1))


@pytest.mark.parametrize("name", sorted(set(MAILS) - set(PLACED)))
def test_a_mail_stays_as_it_is(name: str) -> None:
    result = outcome(mail(name))
    assert isinstance(result, NotPlaced)
    assert name.startswith(result.reason.value)
