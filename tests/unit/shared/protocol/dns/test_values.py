"""DNS questions, answers and names, and how evaluations are driven."""

from __future__ import annotations

import msgspec
import pytest

from shared.protocol.dns.evaluation import Evaluation, drive_sync, several, single_answer
from shared.protocol.dns.names import is_askable, is_fully_qualified, parse_address, reversed_name, to_a_labels
from shared.protocol.dns.question import Answer, Question

A = Question("a.example", "A")
B = Question("b.example", "MX")


def both() -> Evaluation[str]:
    first = single_answer((yield A))
    second, third = several((yield (A, B)))
    return f"{first.status} {second.status} {third.status}"


def test_evaluation_gets_one_answer_or_several() -> None:
    assert drive_sync(both(), lambda question: Answer("ok" if question == A else "nodata")) == "ok ok nodata"


def test_answers_can_be_recorded() -> None:
    used = ((B, Answer("ok", ("10 mx.example",), 300, True, "c.example", "192.0.2.53")),)
    assert msgspec.json.decode(msgspec.json.encode(used), type=tuple[tuple[Question, Answer], ...]) == used


@pytest.mark.parametrize(
    ("status", "void"), [("ok", False), ("nodata", True), ("nxdomain", True), ("temperror", False)]
)
def test_void(status: str, void: bool) -> None:
    assert Answer(status).void is void  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", "x" * 64, "é.example", ".".join(["abc"] * 64)])
def test_not_askable(name: str) -> None:
    assert not is_askable(name)


@pytest.mark.parametrize("name", ["a", "_dmarc.example.org", "x" * 63 + ".org", "foo:bar/baz.example"])
def test_askable(name: str) -> None:
    assert is_askable(name)


@pytest.mark.parametrize(
    ("name", "is_qualified"),
    [
        ("example.org", True),
        ("_x.example.org", True),
        ("localhost", False),
        ("192.0.2.1", False),
        ("[192.0.2.1]", False),
        ("a b.example", False),
    ],
)
def test_fully_qualified(name: str, is_qualified: bool) -> None:
    assert is_fully_qualified(name) is is_qualified


def test_a_labels() -> None:
    assert to_a_labels("Bücher.Example.") == "xn--bcher-kva.example"
    assert to_a_labels("EXAMPLE.org") == "example.org"
    assert to_a_labels("é" * 300) is None
    assert to_a_labels("\ud800.example") is None


def test_addresses() -> None:
    assert str(parse_address("::ffff:192.0.2.1")) == "192.0.2.1"
    assert parse_address("192.0.2.256") is None
    address = parse_address("2001:db8::1")
    assert address is not None
    assert reversed_name(address) == "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
