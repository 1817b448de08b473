"""Password hashes that were made elsewhere: which forms an import takes, and whether a password fits one.

A form may have the name of its scheme in braces before it, as Dovecot and OpenLDAP write it. The cost that a hash names
is bounded, because every wrong guess at the password would cost as much.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable

from services.directory.domain import sha_crypt
from services.directory.domain.state import DirectoryRefused

LENGTH_LIMIT = 1024
_SALTED = {"SSHA": ("sha1", 20), "SSHA256": ("sha256", 32), "SSHA512": ("sha512", 64)}
_SCHEME = re.compile(r"\{([A-Z0-9.-]{1,20})\}", re.IGNORECASE)
_ARGON2 = re.compile(
    r"\$argon2id?\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,171}"
)
_MOST_ARGON2 = (256 * 1024, 20, 16)
"""KiB of memory, passes and lanes."""
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_BCRYPT_COSTS = range(4, 15)
_PBKDF2 = re.compile(
    r"\$pbkdf2(?:-(sha1|sha256|sha512))?\$(\d{1,8})\$([A-Za-z0-9./+]{1,171})\$([A-Za-z0-9./+]{22,171})"
)
_PBKDF2_HEX = re.compile(r"\$1\$([^$\s]{1,64})\$(\d{1,8})\$([0-9a-fA-F]{40})")
_MOST_ITERATIONS = 2_000_000
_BARE = frozenset({"", "CRYPT", "ARGON2ID", "BLF-CRYPT", "SHA512-CRYPT", "SHA256-CRYPT"})
"""Schemes whose hash names itself."""
_STARTS = (*(f"{{{scheme}}}" for scheme in _SALTED), "{PBKDF2}", "$2", "$5$", "$6$", "$pbkdf2")
FORMS = (
    "{ARGON2ID}$argon2id$…, {BLF-CRYPT}$2y$…, {SHA512-CRYPT}$6$…, {SHA256-CRYPT}$5$…, {SSHA512}…, {SSHA256}…, {SSHA}…, "
    "{PBKDF2}$1$…, {PBKDF2-SHA256}… and $pbkdf2-sha256$…"
)


def checked(text: str) -> str:
    """A hash in the form in which it is kept. Raises DirectoryRefused, whose text does not show the hash."""
    text = text.strip()
    if len(text) > LENGTH_LIMIT:
        raise DirectoryRefused("invalid", f"a password hash has at most {LENGTH_LIMIT} characters")
    scheme, rest = _parts(text)
    if scheme in _SALTED:
        return _salted(scheme, rest)
    if scheme == "PBKDF2" and _PBKDF2_HEX.fullmatch(rest):
        _bound(int(rest.split("$")[3]), _MOST_ITERATIONS, "iterations")
        return "{PBKDF2}" + rest
    if scheme.startswith("PBKDF2"):
        _, _, kind = scheme.partition("-")
        rest = rest if rest.startswith("$pbkdf2") else f"$pbkdf2{f'-{kind.lower()}' if kind else ''}${rest}"
    elif scheme not in _BARE:
        raise DirectoryRefused("invalid", f"password hashes of the scheme {scheme} are not known here; known: {FORMS}")
    return _by_itself(rest)


def is_known(stored: str) -> bool:
    """Whether a stored hash has one of these forms, and is not argon2."""
    return stored.startswith(_STARTS)


def fits(stored: str, password: str) -> bool:
    """Whether a password has this hash, which `checked` took. It takes as much CPU as the hash asks for."""
    scheme, rest = _parts(stored)
    octets = password.encode("utf-8", "surrogatepass")
    if scheme in _SALTED:
        kind, length = _SALTED[scheme]
        known = base64.b64decode(rest)
        return hmac.compare_digest(hashlib.new(kind, octets + known[length:]).digest(), known[:length])
    return next((check(rest, octets) for start, check in _CHECKS.items() if rest.startswith(start)), False)


def _parts(text: str) -> tuple[str, str]:
    form = _SCHEME.match(text)
    return ("", text) if form is None else (form[1].upper(), text[form.end() :])


def _salted(scheme: str, rest: str) -> str:
    _, length = _SALTED[scheme]
    try:
        octets = base64.b64decode(rest, validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if not length < len(octets) <= length + 64:
        raise DirectoryRefused("invalid", f"after {{{scheme}}} comes base64 of {length} octets and a salt")
    return f"{{{scheme}}}{rest}"


def _by_itself(text: str) -> str:
    if form := _ARGON2.fullmatch(text):
        for value, most, what in zip(form.groups(), _MOST_ARGON2, ("KiB", "passes", "lanes"), strict=True):
            _bound(int(value), most, what)
    elif form := _BCRYPT.fullmatch(text):
        if int(form[1]) not in _BCRYPT_COSTS:
            raise DirectoryRefused("invalid", f"a bcrypt hash has a cost of {_BCRYPT_COSTS[0]} to {_BCRYPT_COSTS[-1]}")
    elif form := sha_crypt.FORM.fullmatch(text):
        _bound(int(form["rounds"] or 0), sha_crypt.MOST_ROUNDS, "rounds")
        if len(form["sum"]) != sha_crypt.SUM_LENGTHS[form["kind"]]:
            raise DirectoryRefused("invalid", "the password hash is cut off")
    elif form := _PBKDF2.fullmatch(text):
        _bound(int(form[2]), _MOST_ITERATIONS, "iterations")
    else:
        raise DirectoryRefused("invalid", f"this is no password hash of a known form; known: {FORMS}")
    return text


def _bound(value: int, most: int, what: str) -> None:
    if value > most:
        raise DirectoryRefused("invalid", f"a password hash with {value} {what} costs too much: at most {most}")


def _fits_sha_crypt(stored: str, password: bytes) -> bool:
    return sha_crypt.fits(stored, password)


def _fits_bcrypt(stored: str, password: bytes) -> bool:
    import bcrypt  # only installations that import such hashes need its memory

    return b"\0" not in password and bcrypt.checkpw(password[:72], stored.encode())


def _fits_pbkdf2(stored: str, password: bytes) -> bool:
    form = _PBKDF2.fullmatch(stored)
    if form is None:
        return False
    known = _from_adapted(form[4])
    made = hashlib.pbkdf2_hmac(form[1] or "sha1", password, _from_adapted(form[3]), int(form[2]), len(known))
    return hmac.compare_digest(made, known)


def _fits_pbkdf2_hex(stored: str, password: bytes) -> bool:
    form = _PBKDF2_HEX.fullmatch(stored)
    if form is None:
        return False
    known = bytes.fromhex(form[3])
    return hmac.compare_digest(hashlib.pbkdf2_hmac("sha1", password, form[1].encode(), int(form[2])), known)


def _from_adapted(text: str) -> bytes:
    """Base64 with `.` in place of `+`, and without padding."""
    try:
        return base64.b64decode(text.replace(".", "+") + "=" * (-len(text) % 4))
    except binascii.Error:
        return b"\0"


_CHECKS: dict[str, Callable[[str, bytes], bool]] = {
    "$2": _fits_bcrypt,
    "$5$": _fits_sha_crypt,
    "$6$": _fits_sha_crypt,
    "$pbkdf2": _fits_pbkdf2,
    "$1$": _fits_pbkdf2_hex,
}
