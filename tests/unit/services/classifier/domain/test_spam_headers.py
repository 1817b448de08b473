"""Verdict → header fields."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from services.classifier.domain.spam_headers import spam_headers
from services.classifier.domain.verdict import Hit, Verdict, judge


def verdict(*hits: tuple[str, float]) -> Verdict:
    return judge(None, [Hit(name, score, "") for name, score in hits])


def test_spam() -> None:
    assert spam_headers(verdict(("BAYES_99", 5.0), ("URI_X", 1.25)), "Mailfold-1.0") == (
        b"X-Spam-Flag: YES\r\n"
        b"X-Spam-Status: Yes, score=6.2 required=5.0 tests=BAYES_99,URI_X\r\n\tautolearn=no version=Mailfold-1.0\r\n"
        b"X-Spam-Level: ******\r\n"
    )


def test_ham() -> None:
    assert spam_headers(verdict(("BAYES_00", -3.0)), "1") == (
        b"X-Spam-Status: No, score=-3.0 required=5.0 tests=BAYES_00 autolearn=no\r\n\tversion=1\r\nX-Spam-Level:\r\n"
    )


def test_no_test() -> None:
    assert b"tests=none autolearn=no" in spam_headers(verdict(), "1")


def test_many_tests_fold_behind_commas() -> None:
    lines = spam_headers(verdict(*((f"SOME_LONG_RULE_NAME_{number}", 0.1) for number in range(40))), "1").split(b"\r\n")
    assert max(map(len, lines)) <= 78
    status = b"".join(line.strip() for line in lines[:-2] if b"Level" not in line)
    assert status.count(b"SOME_LONG_RULE_NAME_") == 40 and status.count(b",") == 40 + 0


def test_the_level_has_an_end() -> None:
    assert spam_headers(verdict(("A", 10_000.0)), "1").endswith(b"X-Spam-Level: " + b"*" * 50 + b"\r\n")


FIELDS = re.compile(
    rb"(?:X-Spam-(?:Flag|Status|Level):(?: [\x21-\x7e][\x20-\x7e]*)?\r\n(?:\t[\x21-\x7e][\x20-\x7e]*\r\n)*)+\Z"
)


@given(st.lists(st.tuples(st.text(max_size=80), st.floats(-1e6, 1e6)), max_size=30), st.text(max_size=40))
def test_no_name_breaks_out_of_the_header(hits: list[tuple[str, float]], version: str) -> None:
    made = spam_headers(verdict(*hits), version)
    assert FIELDS.match(made)
    assert all(len(line) <= 90 for line in made.split(b"\r\n"))
    assert sum(line.startswith(b"X-Spam-") for line in made.split(b"\r\n")) <= 3
