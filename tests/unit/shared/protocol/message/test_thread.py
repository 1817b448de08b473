"""Base subjects (RFC 5256 §2.1) and references."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.protocol.message.scan import scan
from shared.protocol.message.thread import BaseSubject, base_subject, thread_key


@pytest.mark.parametrize(
    ("subject", "text", "is_reply"),
    [
        ("hello", "hello", False),
        ("Re: hello", "hello", True),
        ("RE: re: Fwd: fw: hello", "hello", True),
        ("Re[2]: hello", "hello", True),
        ("Re [2] : hello", "hello", True),
        ("[list] Re: hello", "hello", True),
        ("Re: [list] hello", "hello", True),
        ("[list] hello", "hello", False),
        ("[list]", "[list]", False),
        ("[a] [b]", "[b]", False),
        ("hello (fwd)", "hello", True),
        ("hello (fwd) (FWD)  ", "hello", True),
        ("[fwd: hello]", "hello", True),
        ("[Fwd: Re: [x] hello (fwd)]", "hello", True),
        ("  many \t spaces ", "many spaces", False),
        ("Regarding: this", "Regarding: this", False),
        ("Re:", "", True),
        ("", "", False),
        ("[[nested]] x", "[[nested]] x", False),
    ],
)
def test_base_subject(subject: str, text: str, is_reply: bool) -> None:
    assert base_subject(subject) == BaseSubject(text, is_reply)


@given(st.lists(st.sampled_from(["re:", "fwd:", "[fwd:", "]", "[", "(fwd)", " ", "x", "[a]", ":"])).map("".join))
def test_base_subject_of_a_base_subject_is_itself(subject: str) -> None:
    once = base_subject(subject).text
    assert base_subject(once) == BaseSubject(once, False)


def test_thread_key_from_references() -> None:
    key = thread_key(
        scan(b"Message-ID: <c@x>\r\nIn-Reply-To: <b@x>\r\nReferences: <a@x> <b@x>\r\nSubject: Re: Topic\r\n\r\n")
    )
    assert (key.message_id, key.ids, key.subject, key.is_reply) == ("c@x", ("a@x", "b@x", "c@x"), "topic", True)


def test_in_reply_to_counts_where_there_are_no_references() -> None:
    key = thread_key(scan(b"Message-ID: <c@x>\r\nIn-Reply-To: <b@x> <other@x>\r\n\r\n"))
    assert key.ids == ("b@x", "c@x")


def test_nothing_to_go_by() -> None:
    assert thread_key(scan(b"\r\n")) == ("", (), "", False)
