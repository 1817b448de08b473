"""Settings: where values come from, what is refused, what is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from msgspec import Meta

from shared.settings import Section, Sections, SettingsError, check, environment_name, load


class Door(Section, frozen=True):
    """A section as services have them."""

    port: Annotated[int, Meta(description="Where it listens.", ge=1, le=65535)] = 25
    wait_seconds: Annotated[float, Meta(description="How long.", ge=0.5, le=300)] = 5.0
    bind: Annotated[tuple[str, ...], Meta(description="Addresses.", min_length=1)] = ("127.0.0.1",)
    level: Annotated[Literal["debug", "info"], Meta(description="How much.")] = "info"
    strict: Annotated[bool, Meta(description="Whether.")] = False
    password: Annotated[str, Meta(description="What opens it.", extra={"secret": True})] = ""


class Lane(Section, frozen=True):
    """Another."""

    width: Annotated[int, Meta(description="How wide.", ge=1)] = 2


SECTIONS: Sections = {"door": Door, "lane": Lane}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mailfold.toml"


def mistakes(
    file: Path | None = None, environment: dict[str, str] | None = None, flags: dict[str, str] | None = None
) -> dict[str, tuple[str, str]]:
    with pytest.raises(SettingsError) as caught:
        load(SECTIONS, file, environment, flags)
    assert all(str(one) in str(caught.value) for one in caught.value.mistakes)
    return {one.name: (one.source, one.message) for one in caught.value.mistakes}


def test_without_any_source_the_defaults_hold(file: Path) -> None:
    assert load(SECTIONS, file).of(Door) == Door()
    assert {one.source for one in load(SECTIONS).described()} == {"default"}


def test_the_file_is_overruled_by_the_environment_and_that_by_flags(file: Path) -> None:
    file.write_text('[door]\nport = 1\nwait_seconds = 1.5\nlevel = "debug"\nbind = ["::1", "127.0.0.1"]\n')
    environment = {"MAILFOLD_DOOR_PORT": "2", "MAILFOLD_DOOR_WAIT_SECONDS": "2", "PATH": "/bin"}
    settings = load(SECTIONS, file, environment, {"door.port": "3"})
    assert settings.of(Door) == Door(port=3, wait_seconds=2.0, level="debug", bind=("::1", "127.0.0.1"))
    sources = {one.name: one.source for one in settings.described()}
    assert sources == {
        "door.port": "flag",
        "door.wait_seconds": "environment variable MAILFOLD_DOOR_WAIT_SECONDS",
        "door.bind": str(file),
        "door.level": str(file),
        "door.strict": "default",
        "door.password": "default",
        "lane.width": "default",
    }


def test_all_mistakes_are_told_at_once_each_with_its_source(file: Path) -> None:
    file.write_text('[door]\nlevel = "loud"\ncolour = "red"\n[lane]\nwidth = "wide"\n[window]\nopen = true\n')
    found = mistakes(
        file, {"MAILFOLD_DOOR_PORT": "0", "MAILFOLD_DOOR_KEY": "x"}, {"door.wait_seconds": "301", "lane.depth": "1"}
    )
    assert {name: source for name, (source, _) in found.items()} == {
        "door.level": str(file),
        "door.colour": str(file),
        "lane.width": str(file),
        "window": str(file),
        "door.port": "environment variable MAILFOLD_DOOR_PORT",
        "door.key": "environment variable MAILFOLD_DOOR_KEY",
        "door.wait_seconds": "flag",
        "lane.depth": "flag",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("door.port", "0"),
        ("door.port", "65536"),
        ("door.port", "twenty"),
        ("door.port", ""),
        ("door.port", "2.5"),
        ("door.port", "9" * 5000),
        ("door.wait_seconds", "0.4"),
        ("door.wait_seconds", "nan"),
        ("door.wait_seconds", "inf"),
        ("door.wait_seconds", "-inf"),
        ("door.bind", ""),
        ("door.bind", " , "),
        ("door.level", "INFO"),
        ("door.strict", "perhaps"),
    ],
)
def test_values_outside_the_bounds_are_refused(name: str, value: str) -> None:
    assert set(mistakes(flags={name: value})) == {name}
    with pytest.raises(SettingsError):
        check(SECTIONS, name, value)


def test_a_value_that_is_overruled_is_not_looked_at(file: Path) -> None:
    file.write_text("[door]\nport = 0\n")
    assert load(SECTIONS, file, {"MAILFOLD_DOOR_PORT": "26"}).of(Door).port == 26


@pytest.mark.parametrize("content", [b"[door\n", b"\xff\xfe", b"door = 5\n", b"[door]\nport = {a = 1}\n"])
def test_a_file_that_cannot_be_used_is_a_mistake_like_others(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    found = mistakes(file, {"MAILFOLD_LANE_WIDTH": "0"})
    assert "lane.width" in found
    assert len(found) == 2
    assert str(file) in {source for source, _ in found.values()}


def test_words_become_values() -> None:
    flags = {"door.bind": " ::1 , 127.0.0.1,", "door.strict": "true", "door.port": "2525"}
    assert load(SECTIONS, flags=flags).of(Door) == Door(bind=("::1", "127.0.0.1"), strict=True, port=2525)
    assert check(SECTIONS, "door.bind", "::1") == ("::1",)


def test_secrets_are_masked_and_mistakes_do_not_tell_them() -> None:
    shown = {one.name: one for one in load(SECTIONS, flags={"door.password": "xyzzy"}).described()}
    assert (shown["door.password"].value, shown["door.password"].secret) == ("********", True)
    assert "xyzzy" not in str(shown)
    assert {one.name: one.value for one in load(SECTIONS).described()}["door.password"] == ""


def test_what_is_shown_can_be_set_again() -> None:
    settings = load(SECTIONS, flags={"door.strict": "true", "door.bind": "::1,127.0.0.1", "door.wait_seconds": "0.5"})
    again = load(SECTIONS, environment={environment_name(one.name): one.value for one in settings.described()})
    assert again.of(Door) == settings.of(Door)


@pytest.mark.parametrize("name", ["door", "door.", "window.open", "", "."])
def test_there_is_no_such_setting(name: str) -> None:
    with pytest.raises(SettingsError, match="no such setting"):
        check(SECTIONS, name, "1")


def test_environment_names() -> None:
    assert environment_name("bus.url") == "MAILFOLD_BUS_URL"
