"""Filling messages are small, different, and continue where the last run ended."""

from __future__ import annotations

import email

from loadtest.content.filler import POOL, filler, filler_profile
from loadtest.content.profile import Profile

SMALL = filler_profile(Profile(), 2048)


def test_all_differ_though_texts_repeat() -> None:
    made = list(filler(SMALL, 3 * POOL))
    assert len(set(made)) == len(made)
    assert len({email.message_from_bytes(one)["Message-ID"] for one in made}) == len(made)


def test_a_later_start_gives_new_messages() -> None:
    assert not set(filler(SMALL, 50)) & set(filler(SMALL, 50, first=50))


def test_they_are_small() -> None:
    assert max(map(len, filler(SMALL, POOL))) < 80_000
    assert b"application/pdf" not in b"".join(filler(SMALL, POOL))
