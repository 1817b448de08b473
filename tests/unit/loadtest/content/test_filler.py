"""Filling messages are small, different, and continue where the last run ended."""

from __future__ import annotations

import email

from loadtest.content.filler import POOL, filler, filler_profile, renewed
from loadtest.content.mail import mail
from loadtest.content.profile import Profile

SMALL = filler_profile(Profile(), 2048)


def test_all_differ_though_texts_repeat() -> None:
    made = list(filler(SMALL, 3 * POOL))
    assert len(set(made)) == len(made)
    assert len({email.message_from_bytes(entry)["Message-ID"] for entry in made}) == len(made)


def test_a_later_start_gives_new_messages() -> None:
    assert not set(filler(SMALL, 50)) & set(filler(SMALL, 50, first=50))


def test_they_are_small() -> None:
    assert max(map(len, filler(SMALL, POOL))) < 80_000
    assert b"application/pdf" not in b"".join(filler(SMALL, POOL))


def test_a_renewed_mail_is_another_of_the_same_size() -> None:
    model = mail(SMALL, 3)
    first, second = renewed(model, 1_000_000_001), renewed(model, 1_000_000_002)
    assert first.data != second.data and len(first.data) == len(second.data)
    assert first.data.replace(b"<1000000001.", b"<") == model.data
    assert (first.reverse_path, first.forward_path, first.number) == (
        model.reverse_path,
        model.forward_path,
        1_000_000_001,
    )
