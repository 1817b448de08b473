"""Hashes that other programs made are taken if they have a known form and a bounded cost."""

from __future__ import annotations

import base64
import hashlib

import pytest

from services.directory.adapters.passwords import PasswordHasher
from services.directory.domain import ready_hashes
from services.directory.domain.state import DirectoryRefused

PASSWORD = "correct horse"
ARGON2 = "$argon2id$v=19$m=1024,t=1,p=1$yQ9ts5qB91mFyPQxJXC+Eg$iJGmVMdHrsyALkbC4V3LRGLQ1G271kX4dChQtSVXgAk"
SHA512_CRYPT = (
    "$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0",
    "$6$rounds=1000$saltsalt$4GMtaIz3E1AdDi2SmCokEW0ehi.HdxNDcL3fGE1XXuzvo6kbx7UOloZKONqEk5H3JrQA4NOfU8BmqFPrpGqwA1",
)
SHA256_CRYPT = "$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/"
BCRYPT = "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"


def salted(scheme: str, kind: str) -> str:
    octets = hashlib.new(kind, f"{PASSWORD}salt".encode()).digest() + b"salt"
    return f"{{{scheme}}}{base64.b64encode(octets).decode()}"


def adapted(octets: bytes) -> str:
    return base64.b64encode(octets).decode().replace("+", ".").rstrip("=")


def pbkdf2(kind: str) -> str:
    made = hashlib.pbkdf2_hmac(kind, PASSWORD.encode(), b"saltsalt", 1000)
    return f"1000${adapted(b'saltsalt')}${adapted(made)}"


PBKDF2_HEX = f"{{PBKDF2}}$1$salt$1000${hashlib.pbkdf2_hmac('sha1', PASSWORD.encode(), b'salt', 1000).hex()}"
KNOWN = [
    *SHA512_CRYPT,
    f"{{SHA512-CRYPT}}{SHA512_CRYPT[0]}",
    f"{{CRYPT}}{SHA512_CRYPT[0]}",
    f"{{SHA256-CRYPT}}{SHA256_CRYPT}",
    f"{{BLF-CRYPT}}{BCRYPT}",
    BCRYPT.replace("$2y", "$2b"),
    salted("SSHA", "sha1"),
    salted("SSHA256", "sha256"),
    salted("ssha512", "sha512"),
    PBKDF2_HEX,
    f"{{PBKDF2-SHA256}}{pbkdf2('sha256')}",
    f"$pbkdf2-sha512${pbkdf2('sha512')}",
]


@pytest.mark.parametrize("text", KNOWN, ids=lambda text: text[:18])
def test_a_password_fits_its_hash_alone(text: str) -> None:
    stored = ready_hashes.checked(text)
    assert ready_hashes.is_known(stored)
    assert ready_hashes.fits(stored, PASSWORD)
    assert not ready_hashes.fits(stored, f"{PASSWORD}!")
    assert not ready_hashes.fits(stored, "")


async def test_argon2_is_kept_and_replaced_when_its_cost_is_another() -> None:
    stored = ready_hashes.checked(f"{{ARGON2ID}}{ARGON2}")
    assert stored == ARGON2
    hasher = PasswordHasher(1, 1)
    assert await hasher.verify(stored, PASSWORD)
    assert hasher.is_outdated(stored)
    assert not hasher.is_outdated(await hasher.hash(PASSWORD))
    assert not hasher.is_outdated("")
    assert not hasher.is_outdated("{LDAP}0123")
    hasher.close()


async def test_the_hasher_checks_every_form() -> None:
    hasher = PasswordHasher(1, 1)
    for text in KNOWN:
        stored = ready_hashes.checked(text)
        assert hasher.is_outdated(stored), text
        assert await hasher.verify(stored, PASSWORD), text
        assert not await hasher.verify(stored, "guessed wrong"), text
    hasher.close()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no password hash of a known form"),
        ("correct horse", "no password hash of a known form"),
        ("{PLAIN}correct horse", "scheme PLAIN"),
        ("{MD5-CRYPT}$1$salt$abcdefghijklmnopqrstuv", "scheme MD5-CRYPT"),
        ("{SSHA512}QUJD", "64 octets and a salt"),
        ("{SSHA512}not base64", "64 octets and a salt"),
        (SHA512_CRYPT[0][:-1], "cut off"),
        (SHA512_CRYPT[1].replace("=1000", "=999999999"), "999999999 rounds costs too much"),
        (ARGON2.replace("m=1024", "m=9000000"), "9000000 KiB costs too much"),
        (ARGON2.replace("t=1", "t=900"), "900 passes costs too much"),
        (BCRYPT.replace("$04$", "$20$"), "cost of 4 to 14"),
        (f"$pbkdf2-sha256${pbkdf2('sha256')}".replace("$1000$", "$99999999$"), "99999999 iterations costs too much"),
        ("$6$" + "x" * 2000, "at most 1024 characters"),
    ],
)
def test_other_texts_are_refused_and_not_repeated(text: str, reason: str) -> None:
    with pytest.raises(DirectoryRefused, match=reason) as refused:
        ready_hashes.checked(text)
    assert "correct horse" not in str(refused.value)
    assert text[8:] not in str(refused.value) or not text
