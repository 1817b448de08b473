"""The words of a command line become the arguments of a function."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import pytest

from mailfold.arguments import Argument, Misused, Option, call, parser_of

taken: dict[str, Any] = {}


def paint(
    colour: Annotated[str, Argument("Which.")],
    things: Annotated[list[str] | None, Argument("What.")] = None,
    layers: Annotated[int, Option("--layers", minimum=1, maximum=9, help="How often.")] = 1,
    finish: Annotated[Literal["matt", "gloss"] | None, Option("--finish", help="How it shines.")] = None,
    tone: Annotated[Literal["", "light", "dark"], Option("--tone", help="How bright.")] = "",
    folder: Annotated[Path, Option("--folder", environment="PAINT_FOLDER", help="Where.")] = Path("here"),
    dry: Annotated[bool, Option("--dry", "-d", help="Wait.")] = False,
) -> None:
    """Paint things."""
    taken.update(locals())


def reads(words: Sequence[str]) -> dict[str, Any]:
    taken.clear()
    call("paint", paint, words)
    return taken


def test_what_is_not_given_has_its_default() -> None:
    result = reads(["red"])
    assert not result.pop("things")
    assert result == {
        "colour": "red",
        "layers": 1,
        "finish": None,
        "tone": "",
        "folder": Path("here"),
        "dry": False,
    }


def test_options_stand_anywhere() -> None:
    result = reads(["--layers", "2", "red", "-d", "wall", "--finish=gloss", "door"])
    assert (result["colour"], result["things"], result["layers"]) == ("red", ["wall", "door"], 2)
    assert (result["finish"], result["dry"]) == ("gloss", True)


def test_behind_two_dashes_are_words_alone() -> None:
    assert reads(["red", "--", "--dry", "-5"])["things"] == ["--dry", "-5"]


def test_an_option_of_a_list_may_be_repeated() -> None:
    def mix(parts: Annotated[list[str] | None, Option("--part", help="Of it.")] = None) -> None:
        """Mix parts."""
        taken["parts"] = parts

    for words, expected in ([], None), (["--part", "a", "--part", "b"], ["a", "b"]):
        call("mix", mix, words)
        assert taken["parts"] == expected


def test_a_number_below_zero_is_a_word() -> None:
    assert reads(["-5"])["colour"] == "-5"


def test_the_environment_gives_what_the_words_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAINT_FOLDER", "/there")
    assert reads(["red"])["folder"] == Path("/there")
    assert reads(["red", "--folder", "/else"])["folder"] == Path("/else")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Missing argument COLOUR"),
        (["red", "--layers", "0"], "0 is less than 1"),
        (["red", "--layers", "10"], "10 is more than 9"),
        (["red", "--layers", "x"], "'x' is not a number"),
        (["red", "--finish", "dull"], "dull"),
        (["red", "--lay", "2"], "--lay"),
        (["red", "--layers"], "--layers"),
    ],
)
def test_what_does_not_fit_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(Misused, match=message):
        call("paint", paint, words)


def test_help_explains_every_word() -> None:
    text = parser_of("paint", paint).format_help()
    assert all(
        word in text
        for word in ("Paint things.", "COLOUR", "How often.", "PAINT_FOLDER", "{matt,gloss}", "{light,dark}")
    )


class Where(NamedTuple):
    """Declarations that several commands share."""

    rooms: Annotated[list[str] | None, Argument("Rooms.")] = None
    floor: Annotated[int, Option("--floor", minimum=0, help="Which floor.")] = 1


def sweep(where: Where, dry: Annotated[bool, Option("--dry", help="Without water.")] = False) -> None:
    """Sweep rooms."""
    taken.update(locals())


def test_shared_declarations_become_their_tuple() -> None:
    taken.clear()
    call("sweep", sweep, ["hall", "--dry", "--floor", "2", "attic"])
    assert taken == {"where": Where(["hall", "attic"], 2), "dry": True}
    call("sweep", sweep, [])
    assert taken["where"] == Where([]) and not any(action.required for action in parser_of("sweep", sweep)._actions)
    with pytest.raises(Misused, match="-1 is less than 0"):
        call("sweep", sweep, ["--floor=-1"])
