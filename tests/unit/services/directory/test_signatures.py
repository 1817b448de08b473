"""Decisions on mail signatures and on the fields of users: events, nothing, or a refusal."""

from __future__ import annotations

import msgspec
import pytest

from services.directory.domain.signatures import (
    MOST_FIELDS,
    SignatureRequest,
    set_field,
    set_signature,
    values_for,
    version_id,
)
from services.directory.domain.state import DirectoryRefused, DomainState
from shared.events.directory import DomainValueChanged
from shared.events.signatures import SignatureWritten, UserFieldChanged
from shared.protocol.message.mail_signature.template import MailSignature

DOMAIN = DomainState("d1", "a.example", True, False, 1, 0)
SIGNATURE = MailSignature("{name}, {phone}", "<p>{address}</p>")
ID = version_id(SIGNATURE)


def test_a_version_is_written_once_and_named_by_its_texts() -> None:
    written, changed = set_signature(DOMAIN, SignatureRequest(SIGNATURE, True), is_known=False)
    assert written == [SignatureWritten(ID, SIGNATURE.text, SIGNATURE.html)]
    assert changed == [
        DomainValueChanged("d1", "signature", ID, ""),
        DomainValueChanged("d1", "signature_automatic", "on", ""),
    ]
    assert set_signature(DOMAIN, SignatureRequest(SIGNATURE), is_known=True) == ([], changed[:1])
    assert version_id(MailSignature("a", "b")) != version_id(MailSignature("ab", ""))


def test_nothing_changes_twice_and_a_blank_one_ends_it() -> None:
    state = msgspec.structs.replace(DOMAIN, values={"signature": ID})
    assert set_signature(state, SignatureRequest(SIGNATURE), is_known=True) == ([], [])
    assert set_signature(state, SignatureRequest(None, False), is_known=True) == ([], [])
    ended = [DomainValueChanged("d1", "signature", "", ID)]
    assert set_signature(state, SignatureRequest(MailSignature(" \n")), is_known=False) == ([], ended)


def test_what_a_mail_signature_cannot_be() -> None:
    with pytest.raises(DirectoryRefused, match="neither text nor images"):
        set_signature(DOMAIN, SignatureRequest(MailSignature("", "<style>p{}</style>")), is_known=False)
    alias = msgspec.structs.replace(DOMAIN, alias_of="d2")
    with pytest.raises(DirectoryRefused, match="alias of another domain"):
        set_signature(alias, SignatureRequest(SIGNATURE), is_known=False)


def test_only_the_values_that_it_names_are_chosen() -> None:
    fields = {"phone": "1", "fax": "2", "address": "boss@a.example"}
    assert values_for(SIGNATURE, "ann", "ann@a.example", fields) == {
        "address": "ann@a.example",
        "name": "ann",
        "phone": "1",
    }
    assert values_for(SIGNATURE, "ann", "ann@a.example", {"name": "Ann\r\nBcc: eve"})["name"] == "Ann Bcc: eve"


def test_fields_of_users() -> None:
    assert set_field("u1", "phone", " +49  1\r\n", {}) == [UserFieldChanged("u1", "phone", "+49 1", "")]
    assert set_field("u1", "phone", "1", {"phone": "1"}) == set_field("u1", "phone", "", {}) == []
    assert set_field("u1", "phone", "", {"phone": "1"}) == [UserFieldChanged("u1", "phone", "", "1")]
    full = {f"f{number}": "1" for number in range(MOST_FIELDS)}
    assert set_field("u1", "f0", "2", full) == [UserFieldChanged("u1", "f0", "2", "1")]
    for name, value, present in (
        ("Phone", "1", {}),
        ("address", "1", {}),
        ("x" * 65, "1", {}),
        ("phone", "1" * 201, {}),
        ("one_more", "1", full),
    ):
        with pytest.raises(DirectoryRefused):
            set_field("u1", name, value, present)
