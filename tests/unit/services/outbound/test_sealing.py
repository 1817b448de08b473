"""The seal of a copy: made last, once for equal copies, and left out with its reason."""

from __future__ import annotations

from collections.abc import Iterator

import dkim
import pytest

from services.outbound.handlers import sealing
from services.outbound.handlers.sealing import SealedForms, Sealer
from shared.events.outbound import EarlierSets, OutboundQueued
from shared.protocol.dkim.profile import BOTH
from shared.protocol.dkim.signing_key import SigningKey, public_key_record
from shared.protocol.message.outgoing.message import FinalMessage, OutgoingMessage, PeerForms
from shared.protocol.message.scan import scan
from tests.unit.shared.protocol.dkim.messages import NOW, ed25519_key, rsa_key

RSA, ED = rsa_key(), ed25519_key()
RECEIVED = b"Received: by mx.example.org\r\n"
RESULTS = b"Authentication-Results: mx.example.org;\r\n\tspf=pass smtp.mailfrom=x@far.example;\r\n\tdkim=none\r\n"
MESSAGE = b"From: x@far.example\r\nSubject: Tea\r\nAuthentication-Results: mx.example.org; dkim=pass\r\n\r\nHot.\r\n"
PEER = PeerForms(eight_bit=True)


def queued(prefix: bytes = RECEIVED + RESULTS, seals: EarlierSets | None = None, blob: str = "g1/1") -> OutboundQueued:
    return OutboundQueued(
        "e1", "q1", "devs@example.org", 0, blob, prefix, 10, "", "x@far.example", seals=seals or EarlierSets()
    )


def final(copy: OutboundQueued, message: bytes = MESSAGE) -> FinalMessage:
    def read(start: int, end: int) -> Iterator[bytes]:
        yield message[start:end]

    scanned = scan(message)
    made = OutgoingMessage(copy.prefix + message[: scanned.header_end], scanned, read).form(PEER)
    assert isinstance(made, FinalMessage)
    return made


def sealed(
    copy: OutboundQueued, *keys: SigningKey, forms: SealedForms | None = None, now: int = NOW
) -> tuple[bytes, str]:
    """The whole copy as it leaves, and what the record says."""
    made = final(copy)
    fields, text = Sealer(copy, "mail.example.org", forms or SealedForms()).sealed(
        PEER, made, keys or (RSA, ED), BOTH, now
    )
    return fields + made.header + b"".join(made.body()), text


def is_sealed(data: bytes) -> bool:
    records = {f"{key.record_name}.".encode(): public_key_record(key).encode() for key in (RSA, ED)}
    status, _, _ = dkim.arc_verify(data, dnsfunc=lambda name, timeout=5: records.get(name, b""))
    return bool(status == b"pass")


def test_the_set_is_on_top_of_the_signatures_and_has_the_results_of_this_server_alone() -> None:
    data, text = sealed(queued())
    assert data.startswith(b"ARC-Seal: i=1;") and data.index(b"ARC-Message-") < data.index(b"DKIM-Signature")
    assert is_sealed(data) and text == f"sealed: i=1; cv=none; d={RSA.domain}; s={RSA.selector}"
    results = data.partition(b"ARC-Authentication-Results: i=1; ")[2].partition(b"DKIM-Signature")[0]
    assert b"spf=pass" in results and b"dkim=none" in results
    assert b"dkim=pass" not in results, "the field in the message was written by a stranger"


def test_a_message_of_a_user_was_authenticated_by_its_log_in() -> None:
    data, _ = sealed(queued(RECEIVED))
    assert b"ARC-Authentication-Results: i=1; mail.example.org;\r\n\tauth=pass\r\n" in data and is_sealed(data)


@pytest.mark.parametrize(
    ("seals", "keys", "text"),
    [
        (EarlierSets("fail", 3, True), (RSA,), "not sealed: the chain has ended"),
        (EarlierSets("pass", 50), (RSA,), "not sealed: the chain has ended"),
        (EarlierSets("none"), (ED,), "not sealed: the domain has no RSA key"),
        (EarlierSets("pass", 1), (RSA,), "not sealed: the sets in the header are not those that were validated"),
    ],
)
def test_without_a_seal_the_copy_is_signed_and_says_why(
    seals: EarlierSets, keys: tuple[SigningKey, ...], text: str
) -> None:
    data, said = sealed(queued(seals=seals), *keys)
    assert data.startswith(b"DKIM-Signature:") and b"ARC-Seal" not in data
    assert said.startswith(text)


def test_equal_copies_are_hashed_and_signed_once_for_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[int] = []
    hash_body = sealing.hash_body
    monkeypatch.setattr(sealing, "hash_body", lambda body: hashed.append(1) or hash_body(body))
    forms = SealedForms()
    first = sealed(queued(), forms=forms)
    assert sealed(queued(), forms=forms, now=NOW + 1) == first and len(hashed) == 1
    other = sealed(queued(blob="g1/2"), forms=forms)
    later = sealed(queued(), forms=forms, now=NOW + 600_000_000)
    header = sealed(queued(RESULTS + RECEIVED), forms=forms)
    keys = sealed(queued(), RSA, forms=forms)
    assert len(hashed) == 5 and len({first, later, header, keys}) == 4 and other == first


def test_only_so_many_forms_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_MOST_FORMS", 2)
    forms = SealedForms()
    for number in range(5):
        forms.keep(number, sealing.SealedFields(b"", str(number)))
    assert [forms.known(number) is not None for number in range(5)] == [False, False, False, True, True]
