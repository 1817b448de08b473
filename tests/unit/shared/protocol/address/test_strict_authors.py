"""From and Sender by the strict grammar, and what is shown beside the addresses."""

from __future__ import annotations

import pytest

from shared.protocol.address.strict_authors import MOST_CHARACTERS, MOST_WORDS, NotStrict, strict_mailboxes

ANN = "ann@a.example"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (ANN, [(ANN, "")]),
        (f" Ann\r\n <{ANN}>\r\n (at home) ", [(ANN, "Ann at home")]),
        (f"John Q. Public <{ANN}>", [(ANN, "John Q. Public")]),
        (f'"Example, \\"Ann\\"" < {ANN} >', [(ANN, 'Example, "Ann"')]),
        (f'"boss@"a.example <{ANN}>', [(ANN, "boss@a.example")]),
        ('"a b"@a.example', [('"a b"@a.example', "")]),
        ("ann@[192.0.2.1]", [("ann@[192.0.2.1]", "")]),
        (f"{ANN}, Bob <bob@b.example>", [(ANN, ""), ("bob@b.example", "Bob")]),
        (f"Us: {ANN}, Bob <bob@b.example>;", [(ANN, "Us "), ("bob@b.example", "Us Bob")]),
        ("grüße@a.example", [("grüße@a.example", "")]),
    ],
)
def test_what_is_read(value: str, read: list[tuple[str, str]]) -> None:
    assert [(str(address), shown) for address, shown in strict_mailboxes(value)] == read


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Ann",
        "<>",
        f"{ANN},",
        f",{ANN}",
        f"{ANN} {ANN}",
        f"boss@a.example <{ANN}>",
        f"<{ANN}> boss@a.example",
        f"<boss@a.example><{ANN}>",
        f"<@b.example:{ANN}>",
        f"Ann, Boss <{ANN}>",
        f"Us: {ANN}",
        "Us:;",
        f"Us:;, {ANN}",
        f"Us: We: {ANN};;",
        f"{ANN};",
        f'"Ann <{ANN}>',
        f"(Ann <{ANN}>",
        f"Ann\0 <{ANN}>",
        "ann @a.example",
        "ann(x)@a.example",
        "ann@a.example@b.example",
        "ann@",
    ],
)
def test_what_is_not_of_the_grammar(value: str) -> None:
    with pytest.raises(NotStrict):
        strict_mailboxes(value)


@pytest.mark.parametrize(
    "value",
    [
        "x" * (MOST_CHARACTERS + 1),
        "x " * MOST_WORDS + f"y <{ANN}>",
        '""' * (MOST_WORDS + 1) + f"<{ANN}>",
        ",".join([ANN] * 101),
        "(" * 4000 + ")" * 4000,
        "a:" * 4000,
    ],
)
def test_work_is_bounded(value: str) -> None:
    with pytest.raises(NotStrict):
        strict_mailboxes(value)
