"""The generated mail is always the same, has the properties it promises, and its signatures are valid."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import hashlib
import statistics
from email.message import EmailMessage

import dkim
import pytest

from loadtest.content.mail import Mail, mail, mails
from loadtest.content.profile import Profile
from loadtest.content.signing_key import public_key_text

PROFILE = Profile()
DIGEST = "3fc04479562e3d8bae6a877a955bb275e8b0cdaa85de402f42d1aa571ec36677"
"""The digest of the first hundred mails: a change of the generator changes every figure, so it must be intended."""


@pytest.fixture(scope="module")
def sample() -> list[Mail]:
    return list(mails(PROFILE, 1500))


def _digest(some: list[Mail]) -> str:
    return hashlib.sha256(b"".join(entry.data for entry in some)).hexdigest()


def test_the_same_seed_gives_the_same_bytes(sample: list[Mail]) -> None:
    assert _digest(sample[:100]) == DIGEST


def test_a_mail_does_not_depend_on_those_before_it(sample: list[Mail]) -> None:
    assert mail(PROFILE, 77) == sample[77]
    assert next(mails(PROFILE, 1, first=40)) == sample[40]


def test_another_seed_gives_other_mail(sample: list[Mail]) -> None:
    assert mail(dataclasses.replace(PROFILE, seed=2), 5).data != sample[5].data


def test_every_mail_is_different(sample: list[Mail]) -> None:
    assert len({entry.data for entry in sample}) == len(sample)


def test_sizes_are_as_promised(sample: list[Mail]) -> None:
    small = [len(entry.data) for entry in sample if b"application/pdf" not in entry.data]
    assert 7000 < statistics.median(small) < 9500
    assert max(small) < 1.5 * PROFILE.largest
    large = [len(entry.data) for entry in sample if b"application/pdf" in entry.data]
    assert 170_000 < statistics.median(large) < 240_000


@pytest.mark.parametrize(
    ("share", "mark"),
    [
        (PROFILE.attachment_share, b"application/pdf"),
        (PROFILE.multipart_share, b"multipart/alternative"),
        (PROFILE.signed_share, b"DKIM-Signature"),
    ],
)
def test_shares_are_as_promised(sample: list[Mail], share: float, mark: bytes) -> None:
    assert sum(mark in entry.data for entry in sample) / len(sample) == pytest.approx(share, abs=0.045)


def test_the_spam_share_can_be_set() -> None:
    for share in (0.0, 1.0):
        assert all(result.spam is bool(share) for result in mails(dataclasses.replace(PROFILE, spam_share=share), 40))


def test_lines_end_in_crlf_and_are_short(sample: list[Mail]) -> None:
    for entry in sample[:300]:
        assert b"\n" not in entry.data.replace(b"\r\n", b"") and b"\r" not in entry.data.replace(b"\r\n", b"")
        assert max(map(len, entry.data.split(b"\r\n"))) <= 998


def test_another_parser_finds_no_defect(sample: list[Mail]) -> None:
    for entry in sample[:200]:
        parsed = email.message_from_bytes(entry.data, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        assert not parsed.defects and all(not part.defects for part in parsed.walk())
        assert parsed["From"].addresses[0].addr_spec == entry.reverse_path
        assert parsed["To"].addresses[0].addr_spec == entry.forward_path
        assert parsed.get_body(("plain",)) is not None


def test_signatures_verify_by_another_implementation(sample: list[Mail]) -> None:
    record = f"v=DKIM1; k=rsa; p={public_key_text()}".encode()
    signed = [entry for entry in sample[:120] if entry.signed]
    assert len(signed) > 40
    assert all(dkim.verify(entry.data, dnsfunc=lambda *_, **__: record) for entry in signed)
    broken = signed[0].data[:-20] + b"X" + signed[0].data[-19:]
    assert not dkim.verify(broken, dnsfunc=lambda *_, **__: record)


def test_the_recipient_can_be_chosen() -> None:
    assert mail(PROFILE, 3, user=7).forward_path == "user07@bench.test"
