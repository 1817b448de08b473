"""SHA-crypt, the password hashes `$5$` and `$6$` of Unix systems.

They are specified in "Unix crypt using SHA-256 and SHA-512" (U. Drepper, 2007); the numbers in comments are steps of
that page.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

FORM = re.compile(
    r"\$(?P<kind>[56])\$(?:rounds=(?P<rounds>\d{4,9})\$)?(?P<salt>[^$:\s]{1,16})\$(?P<sum>[./0-9A-Za-z]+)"
)
MOST_ROUNDS = 100_000
"""More would take a third of a second of CPU at each wrong guess."""
SUM_LENGTHS = {"5": 43, "6": 86}
_DEFAULT_ROUNDS = 5000
_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_Hash = Callable[[bytes], Any]


def fits(stored: str, password: bytes) -> bool:
    """Whether a password has this hash."""
    form = FORM.fullmatch(stored)
    if form is None:
        return False
    rounds = int(form["rounds"] or _DEFAULT_ROUNDS)
    return hmac.compare_digest(_sum(form["kind"], password, form["salt"].encode(), rounds), form["sum"])


def _sum(kind: str, password: bytes, salt: bytes, rounds: int) -> str:
    new: _Hash = hashlib.sha256 if kind == "5" else hashlib.sha512
    last = _first_sum(new, password, salt)
    repeated_password = _stretched(new(password * len(password)).digest(), len(password))  # 13 to 16
    repeated_salt = _stretched(new(salt * (16 + last[0])).digest(), len(salt))  # 17 to 20
    for number in range(rounds):  # 21
        block = repeated_password if number & 1 else last
        if number % 3:
            block += repeated_salt
        if number % 7:
            block += repeated_password
        last = new(block + (last if number & 1 else repeated_password)).digest()
    return _encoded(last)


def _first_sum(new: _Hash, password: bytes, salt: bytes) -> bytes:
    """The sum A, from which the rounds begin."""
    other = new(password + salt + password).digest()  # 4 to 8
    text, count = password + salt + _stretched(other, len(password)), len(password)  # 1 to 3, 9, 10
    while count:  # 11
        text += other if count & 1 else password
        count >>= 1
    return bytes(new(text).digest())  # 12


def _stretched(block: bytes, length: int) -> bytes:
    """A block repeated up to a length."""
    return (block * (length // len(block) + 1))[:length]


def _encoded(octets: bytes) -> str:
    """The sum as text (22): octets from the thirds of the sum are taken together, in an order that rotates."""
    third, texts = len(octets) // 3, []
    for number in range(third):
        places = [number, number + third, number + 2 * third]
        turn = number % 3 if len(octets) == 64 else -number % 3
        first, second, last = (octets[place] for place in places[turn:] + places[:turn])
        texts.append(_digits(first << 16 | second << 8 | last, 4))
    rest = octets[3 * third :][::-1]
    texts.append(_digits(int.from_bytes(rest, "big"), len(rest) + 1))
    return "".join(texts)


def _digits(number: int, width: int) -> str:
    return "".join(_ALPHABET[number >> (6 * place) & 63] for place in range(width))
