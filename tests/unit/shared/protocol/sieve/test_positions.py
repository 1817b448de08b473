"""Where errors are: lines and columns of token starts, counted in characters."""

from __future__ import annotations

import pytest

from shared.protocol.sieve.compiler import compile_script
from shared.protocol.sieve.diagnostic import InvalidScript


def places(source: bytes) -> list[tuple[int, int]]:
    with pytest.raises(InvalidScript) as caught:
        compile_script(source)
    return [(note.place.line, note.place.column) for note in caught.value.errors]


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (b"frob;", (1, 1)),
        (b"\n\n  frob;", (3, 3)),
        (b"\r\n\tfrob;", (2, 2)),
        ("/* é */ frob;".encode(), (1, 9)),
        ('redirect "é@é.org"; frob;'.encode(), (1, 21)),
        (b"/* a\nb */ frob;", (2, 6)),
        (b'if header "a\nb" "c" { frob; }', (2, 10)),
        (b'require "reject"; reject text:\na\nb\n.\n; frob;', (5, 3)),
        (b"# comment\nfrob;", (2, 1)),
        (b"\xef\xbb\xbffrob;", (1, 1)),
    ],
)
def test_the_place_is_the_start_of_the_token(source: bytes, place: tuple[int, int]) -> None:
    assert places(source) == [place]


def test_errors_are_in_the_order_of_their_places() -> None:
    assert places(b"a;\nb;\n  c;") == [(1, 1), (2, 1), (3, 3)]
