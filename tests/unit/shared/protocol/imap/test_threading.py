"""Base subjects and threads (RFC 5256 §2.1, §3, §4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.imap.base_subject import BaseSubject, base_subject
from shared.protocol.imap.thread_response import thread_list
from shared.protocol.imap.threading import (
    ThreadedMessage,
    ThreadForest,
    by_ordered_subject,
    by_references,
    by_refs,
)

SUBJECTS = {
    "": ("", False),
    "Hello": ("Hello", False),
    "Re: Hello": ("Hello", True),
    "RE: re : Fwd: Hello": ("Hello", True),
    "fw: Hello": ("Hello", True),
    "Re[2]: Hello": ("Hello", True),
    "Re [x] : Hello": ("Hello", True),
    "[list] Re: Hello": ("Hello", True),
    "[list] Hello": ("Hello", False),
    "[list] [other]  Hello": ("Hello", False),
    "[list]": ("[list]", False),
    "Re: [list]": ("[list]", True),
    "Hello (fwd)": ("Hello", True),
    "Hello (FWD) (fwd)  ": ("Hello", True),
    "Hello  ": ("Hello", False),
    "[Fwd: Re: Hello]": ("Hello", True),
    "[fwd: [fwd: Hello (fwd)]]": ("Hello", True),
    "Re: Hello\t  there\r\n you": ("Hello there you", True),
    "Regarding: Hello": ("Regarding: Hello", False),
    "Re:": ("", True),
    "(fwd)": ("", True),
}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_base_subjects(subject: str) -> None:
    assert base_subject(subject) == BaseSubject(*SUBJECTS[subject])


@given(st.lists(st.sampled_from(["re", ":", "[", "]", " ", "fwd", "(fwd)", "[fwd:", "a"])).map("".join))
def test_a_base_subject_is_its_own(subject: str) -> None:
    text = base_subject(subject).text
    assert base_subject(text).text == text


def test_hostile_subjects_take_linear_work() -> None:
    for subject in ("[a]" * 5000, "Re: " * 5000, "[fwd:" * 5000 + "]" * 5000, "(fwd)" * 5000, "[" * 5000):
        assert len(base_subject(subject).text) <= 2000


def message(number: int, message_id: str = "", *references: str, subject: str = "", sent: int = 0) -> ThreadedMessage:
    text, is_reply = base_subject(subject)
    return ThreadedMessage(number, message_id or f"m{number}", references, sent or number, text.lower(), is_reply)


Algorithm = Callable[[Sequence[ThreadedMessage]], ThreadForest]
CASES: dict[str, tuple[Algorithm, list[ThreadedMessage], str]] = {
    "nothing": (by_references, [], ""),
    "alone": (by_references, [message(1), message(2)], "(1)(2)"),
    "an answer": (by_references, [message(1, "a"), message(2, "b", "a")], "(1 2)"),
    "two answers": (
        by_references,
        [message(1, "a"), message(2, "b", "a"), message(3, "c", "a"), message(4, "d", "a", "c")],
        "(1 (2)(3 4))",
    ),
    "the answer comes before": (by_references, [message(1, "b", "a"), message(2, "a")], "(2 1)"),
    "a missing message with one answer": (by_references, [message(1, "b", "a")], "(1)"),
    "a missing message with two answers": (by_references, [message(1, "b", "a"), message(2, "c", "a")], "((1)(2))"),
    "a missing message within a thread": (
        by_references,
        [message(1, "a"), message(2, "c", "a", "b"), message(3, "d", "a", "b")],
        "(1 (2)(3))",
    ),
    "a message that answers itself": (by_references, [message(1, "a", "a")], "(1)"),
    "a ring of two": (by_references, [message(1, "a", "b"), message(2, "b", "a")], "(2 1)"),
    "an id that two messages have": (
        by_references,
        [message(1, "a"), message(2, "a"), message(3, "b", "a")],
        "(1 3)(2)",
    ),
    "roots by date": (by_references, [message(1, sent=9), message(2, sent=3)], "(2)(1)"),
    "answers by date": (
        by_references,
        [message(1, "a"), message(2, "b", "a", sent=9), message(3, "c", "a", sent=5)],
        "(1 (3)(2))",
    ),
    "a subject and its answer": (by_references, [message(1, subject="x"), message(2, subject="Re: x")], "(1 2)"),
    "an answer by subject that comes first": (
        by_references,
        [message(1, subject="Re: x"), message(2, subject="x")],
        "(2 1)",
    ),
    "equal subjects": (by_references, [message(1, subject="x"), message(2, subject="x")], "((1)(2))"),
    "three equal subjects": (by_references, [message(n, subject="x") for n in (1, 2, 3)], "((1)(2)(3))"),
    "two answers without the first": (
        by_references,
        [message(1, subject="Re: x"), message(2, subject="Re: x")],
        "((1)(2))",
    ),
    "a subject joins a missing message": (
        by_references,
        [message(1, "b", "a", subject="Re: x"), message(2, "c", "a", subject="Re: x"), message(3, subject="x")],
        "(3 (1)(2))",
    ),
    "two missing messages of a subject": (
        by_references,
        [
            message(1, "b", "a", subject="Re: x"),
            message(2, "c", "a", subject="Re: x"),
            message(3, "e", "d", subject="Re: x"),
            message(4, "f", "d", subject="Re: x"),
        ],
        "((1)(2)(3)(4))",
    ),
    "no subject": (by_references, [message(1), message(2)], "(1)(2)"),
    "refs do not join subjects": (by_refs, [message(1, subject="x"), message(2, subject="x")], "(1)(2)"),
    "refs by the newest message": (
        by_refs,
        [message(1, "a"), message(2, "b"), message(3, "c", "a")],
        "(2)(1 3)",
    ),
    "ordered subjects": (
        by_ordered_subject,
        [
            message(1, subject="x", sent=5),
            message(2, subject="y", sent=4),
            message(3, subject="Re: x", sent=9),
            message(4, subject="X", sent=7),
        ],
        "(2)(1 (4)(3))",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_threads(name: str) -> None:
    algorithm, messages, expected = CASES[name]
    assert thread_list(algorithm(messages)).decode() == expected


def test_a_long_chain() -> None:
    chain = [message(number, f"m{number}", f"m{number - 1}") for number in range(1, 20_001)]
    expected = "(" + " ".join(map(str, range(1, 20_001))) + ")"
    assert thread_list(by_references(chain)).decode() == expected
    assert thread_list(by_references(chain[::-1])).decode() == expected


def test_very_many_children_of_one_message_take_linear_work() -> None:
    """A missing message with 60,000 missing children, each with an answer; and one whose children all leave it."""
    size = 60_000
    answers = [message(number, "", "root", f"missing{number}") for number in range(1, size + 1)]
    expected = "(" + "".join(f"({number})" for number in range(1, size + 1)) + ")"
    assert thread_list(by_refs(answers)).decode() == expected
    claims = [name for number in range(size, 0, -1) for name in ("root", f"m{number}")]
    leaving = [message(size + 1, "", *claims), *(message(number, "", "other") for number in range(1, size + 1))]
    expected = f"((1 {size + 1})" + "".join(f"({number})" for number in range(2, size + 1)) + ")"
    assert thread_list(by_refs(leaving)).decode() == expected


IDS = st.sampled_from("abcdef")
MESSAGES = st.lists(
    st.tuples(IDS, st.lists(IDS, max_size=4), st.integers(0, 5), st.sampled_from(["", "x", "Re: x", "y", "Fwd: y"])),
    max_size=9,
).map(
    lambda rows: [
        message(number, name, *references, subject=subject, sent=sent + 1)
        for number, (name, references, sent, subject) in enumerate(rows, 1)
    ]
)


def test_a_root_that_was_merged_is_not_merged_again() -> None:
    messages = [
        message(1, "a", subject="x", sent=1),
        message(2, "a", subject="x", sent=2),
        message(3, "a", "b", subject="Re: x", sent=1),
        message(4, "a", "b", sent=1),
    ]
    assert thread_list(by_references(messages)).decode() == "((1)(3)(4)(2))"


@given(MESSAGES, st.sampled_from([by_references, by_refs, by_ordered_subject]))
def test_every_message_is_in_one_thread(messages: list[ThreadedMessage], algorithm: Algorithm) -> None:
    answer = thread_list(algorithm(messages)).decode()
    numbers = answer.replace("(", " ").replace(")", " ").split()
    assert sorted(map(int, numbers)) == [message.number for message in messages]
    assert "()" not in answer and answer.count("(") == answer.count(")")
