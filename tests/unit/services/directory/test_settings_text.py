"""Edits of mailfold.toml change one value and keep every other line."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.directory.domain.settings_text import with_value
from services.directory.domain.state import DirectoryRefused

FILE = """\
# my server
[server]
hostname = "old.example"  # the name
bind = ["0.0.0.0"]

[bus]
url = "nats://example:4222"
"""


def test_a_value_is_replaced_and_its_comment_stays() -> None:
    after = with_value(FILE, "server.hostname", "new.example")
    assert after == FILE.replace('"old.example"', '"new.example"')


def test_a_new_setting_goes_to_its_section() -> None:
    after = with_value(FILE, "server.port_offset", 10000)
    assert tomllib.loads(after)["server"]["port_offset"] == 10000
    assert set(FILE.splitlines()) <= set(after.splitlines())
    assert after.index("port_offset") < after.index("[bus]")


def test_a_new_section_goes_to_the_end() -> None:
    after = with_value(FILE, "mailstore.max_mailboxes", 7)
    assert after.startswith(FILE.rstrip())
    assert tomllib.loads(after)["mailstore"] == {"max_mailboxes": 7}


def test_an_empty_file_gets_its_first_section() -> None:
    assert with_value("", "server.hostname", "a.example") == '[server]\nhostname = "a.example"\n'


@pytest.mark.parametrize("value", [True, 3, 1.5, 'quo"te\\ \x7f\n', ("a", "b"), ()])
def test_every_kind_of_value_comes_back(value: Any) -> None:
    read = tomllib.loads(with_value("", "x.y", value))["x"]["y"]
    assert read == (list(value) if isinstance(value, tuple) else value)


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_any_text_comes_back(value: str) -> None:
    assert tomllib.loads(with_value(FILE, "server.hostname", value))["server"]["hostname"] == value


def test_a_value_over_several_lines_is_left_to_a_person() -> None:
    with pytest.raises(DirectoryRefused, match="by hand"):
        with_value('[server]\nbind = [\n  "0.0.0.0",\n]\n', "server.bind", ("::",))


def test_a_file_that_cannot_be_read_is_left_alone() -> None:
    with pytest.raises(DirectoryRefused):
        with_value("[server\n", "server.hostname", "x")


def test_names_that_begin_alike_are_not_confused() -> None:
    after = with_value("[server]\nstore_x = 1\n", "server.store", "y")
    assert tomllib.loads(after)["server"] == {"store_x": 1, "store": "y"}
