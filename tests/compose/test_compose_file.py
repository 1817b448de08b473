"""Variables of docker-compose.yml are replaced by the rules of the Compose Specification, chapter «Interpolation»."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.compose_file import VariableMissing, read_compose_file


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$NAME and ${NAME}", "mx and mx"),
        ("${NAME:-other}", "mx"),
        ("${EMPTY:-other}|${EMPTY-other}", "other|"),
        ("${ABSENT:-other}|${ABSENT-other}|$ABSENT", "other|other|"),
        ("${ABSENT:--Xms512m -Xmx512m}", "-Xms512m -Xmx512m"),
        ("${NAME:+yes}|${EMPTY:+yes}|${EMPTY+yes}", "yes||yes"),
        ("${NAME:?needed}|${EMPTY?needed}", "mx|"),
        ("$${NAME}", "${NAME}"),
    ],
)
def test_a_variable_is_replaced(tmp_path: Path, text: str, value: str) -> None:
    file = tmp_path / "docker-compose.yml"
    file.write_text(f"services:\n  sample:\n    image: '{text}'\n", "utf-8")
    model = read_compose_file({"NAME": "mx", "EMPTY": ""}, file)
    assert model["services"]["sample"]["image"] == value


@pytest.mark.parametrize("text", ["${EMPTY:?say it}", "${ABSENT?say it}", "${ABSENT:?say it}"])
def test_a_missing_variable_says_what_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "docker-compose.yml"
    file.write_text(f"name: '{text}'\n", "utf-8")
    with pytest.raises(VariableMissing, match="say it"):
        read_compose_file({"EMPTY": ""}, file)
