"""Passwords that the server makes."""

from __future__ import annotations

import pytest

from services.directory.domain.generated_passwords import (
    SECRET_OCTETS,
    fits,
    hash_of,
    is_app_password,
    new_generated,
    read_generated,
)

ID = "p0123456789abcdefghjk"
SALT = bytes(range(16))


def test_a_password_is_read_as_it_was_made() -> None:
    made = new_generated(ID, bytes(range(1, SECRET_OCTETS + 1)))
    assert (made.id, len(made.secret), len(made.text)) == (ID, 26, 48)
    assert read_generated(made.text) == made
    assert read_generated(f" {made.text.upper()} ") == made
    assert made.secret not in repr(made)


def test_every_random_bit_of_130_counts() -> None:
    zero = new_generated(ID, bytes(SECRET_OCTETS)).secret
    secrets = {new_generated(ID, (1 << bit).to_bytes(SECRET_OCTETS, "big")).secret for bit in range(130)}
    assert len(secrets - {zero}) == 130


@pytest.mark.parametrize(
    "text",
    ["", "correct horse", ID, f"{ID}-", f"{ID}-{'0' * 25}", f"{ID}-{'0' * 27}", f"x{ID[1:]}-{'0' * 26}", "0" * 100_000],
)
def test_other_texts_have_another_form(text: str) -> None:
    assert read_generated(text) is None


def test_a_hash_fits_its_own_secret_alone() -> None:
    stored = hash_of("a" * 26, SALT)
    assert fits(stored, "a" * 26)
    assert not fits(stored, "b" * 26)
    assert not fits("", "a" * 26)
    assert not fits("", "")
    assert hash_of("a" * 26, bytes(16)) != stored


def test_an_app_password_is_known_by_its_whole_id() -> None:
    assert is_app_password(ID)
    assert [text for text in ("password", "p", "", f"a{ID[1:]}", f"{ID}0") if is_app_password(text)] == []
