"""Settings: the sources of values, what is refused, and what is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from msgspec import Meta

from shared.settings import Section, Sections, SettingsError, check, environment_name, load


class ListenerSection(Section, frozen=True):
    """A section as a service declares it."""

    port: Annotated[int, Meta(description="Where it listens.", ge=1, le=65535)] = 25
    wait_seconds: Annotated[float, Meta(description="How long.", ge=0.5, le=300)] = 5.0
    bind: Annotated[tuple[str, ...], Meta(description="Addresses.", min_length=1)] = ("127.0.0.1",)
    level: Annotated[Literal["debug", "info"], Meta(description="How much.")] = "info"
    strict: Annotated[bool, Meta(description="Whether.")] = False
    password: Annotated[str, Meta(description="What opens it.", extra={"secret": True})] = ""


class QueueSection(Section, frozen=True):
    """Another section."""

    width: Annotated[int, Meta(description="How wide.", ge=1)] = 2


SECTIONS: Sections = {"listener": ListenerSection, "queue": QueueSection}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mailfold.toml"


def mistakes(
    file: Path | None = None, environment: dict[str, str] | None = None, flags: dict[str, str] | None = None
) -> dict[str, tuple[str, str]]:
    with pytest.raises(SettingsError) as caught:
        load(SECTIONS, file, environment, flags)
    assert all(str(mistake) in str(caught.value) for mistake in caught.value.mistakes)
    return {mistake.name: (mistake.source, mistake.message) for mistake in caught.value.mistakes}


def test_without_any_source_the_defaults_hold(file: Path) -> None:
    assert load(SECTIONS, file).of(ListenerSection) == ListenerSection()
    assert {entry.source for entry in load(SECTIONS).described()} == {"default"}


def test_the_file_is_overruled_by_the_environment_and_that_by_flags(file: Path) -> None:
    file.write_text('[listener]\nport = 1\nwait_seconds = 1.5\nlevel = "debug"\nbind = ["::1", "127.0.0.1"]\n')
    environment = {"MAILFOLD_LISTENER_PORT": "2", "MAILFOLD_LISTENER_WAIT_SECONDS": "2", "PATH": "/bin"}
    settings = load(SECTIONS, file, environment, {"listener.port": "3"})
    assert settings.of(ListenerSection) == ListenerSection(
        port=3, wait_seconds=2.0, level="debug", bind=("::1", "127.0.0.1")
    )
    sources = {entry.name: entry.source for entry in settings.described()}
    assert sources == {
        "listener.port": "flag",
        "listener.wait_seconds": "environment variable MAILFOLD_LISTENER_WAIT_SECONDS",
        "listener.bind": str(file),
        "listener.level": str(file),
        "listener.strict": "default",
        "listener.password": "default",
        "queue.width": "default",
    }


def test_all_mistakes_are_reported_at_once_each_with_its_source(file: Path) -> None:
    file.write_text('[listener]\nlevel = "loud"\ncolour = "red"\n[queue]\nwidth = "wide"\n[window]\nopen = true\n')
    result = mistakes(
        file,
        {"MAILFOLD_LISTENER_PORT": "0", "MAILFOLD_LISTENER_KEY": "x"},
        {"listener.wait_seconds": "301", "queue.depth": "1"},
    )
    assert {name: source for name, (source, _) in result.items()} == {
        "listener.level": str(file),
        "listener.colour": str(file),
        "queue.width": str(file),
        "window": str(file),
        "listener.port": "environment variable MAILFOLD_LISTENER_PORT",
        "listener.key": "environment variable MAILFOLD_LISTENER_KEY",
        "listener.wait_seconds": "flag",
        "queue.depth": "flag",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("listener.port", "0"),
        ("listener.port", "65536"),
        ("listener.port", "twenty"),
        ("listener.port", ""),
        ("listener.port", "2.5"),
        ("listener.port", "9" * 5000),
        ("listener.wait_seconds", "0.4"),
        ("listener.wait_seconds", "nan"),
        ("listener.wait_seconds", "inf"),
        ("listener.wait_seconds", "-inf"),
        ("listener.bind", ""),
        ("listener.bind", " , "),
        ("listener.level", "INFO"),
        ("listener.strict", "perhaps"),
    ],
)
def test_values_outside_the_bounds_are_refused(name: str, value: str) -> None:
    assert set(mistakes(flags={name: value})) == {name}
    with pytest.raises(SettingsError):
        check(SECTIONS, name, value)


def test_a_value_that_is_overruled_is_not_looked_at(file: Path) -> None:
    file.write_text("[listener]\nport = 0\n")
    assert load(SECTIONS, file, {"MAILFOLD_LISTENER_PORT": "26"}).of(ListenerSection).port == 26


@pytest.mark.parametrize("content", [b"[door\n", b"\xff\xfe", b"listener = 5\n", b"[listener]\nport = {a = 1}\n"])
def test_a_file_that_cannot_be_used_is_a_mistake_like_others(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    result = mistakes(file, {"MAILFOLD_QUEUE_WIDTH": "0"})
    assert "queue.width" in result
    assert len(result) == 2
    assert str(file) in {source for source, _ in result.values()}


def test_words_become_values() -> None:
    flags = {"listener.bind": " ::1 , 127.0.0.1,", "listener.strict": "true", "listener.port": "2525"}
    assert load(SECTIONS, flags=flags).of(ListenerSection) == ListenerSection(
        bind=("::1", "127.0.0.1"), strict=True, port=2525
    )
    assert check(SECTIONS, "listener.bind", "::1") == ("::1",)


def test_secrets_are_masked_and_mistakes_do_not_show_them() -> None:
    shown = {entry.name: entry for entry in load(SECTIONS, flags={"listener.password": "xyzzy"}).described()}
    assert (shown["listener.password"].value, shown["listener.password"].secret) == ("********", True)
    assert "xyzzy" not in str(shown)
    assert {entry.name: entry.value for entry in load(SECTIONS).described()}["listener.password"] == ""


def test_what_is_shown_can_be_set_again() -> None:
    settings = load(
        SECTIONS, flags={"listener.strict": "true", "listener.bind": "::1,127.0.0.1", "listener.wait_seconds": "0.5"}
    )
    again = load(SECTIONS, environment={environment_name(entry.name): entry.value for entry in settings.described()})
    assert again.of(ListenerSection) == settings.of(ListenerSection)


@pytest.mark.parametrize("name", ["listener", "listener.", "window.open", "", "."])
def test_there_is_no_such_setting(name: str) -> None:
    with pytest.raises(SettingsError, match="no such setting"):
        check(SECTIONS, name, "1")


def test_environment_names() -> None:
    assert environment_name("bus.url") == "MAILFOLD_BUS_URL"


def test_a_value_may_be_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("p@ss word\n", "utf-8")
    settings = load(SECTIONS, environment={"MAILFOLD_LISTENER_PASSWORD_FILE": str(secret)})
    assert settings.of(ListenerSection).password == "p@ss word"
    shown = next(setting for setting in settings.described() if setting.name == "listener.password")
    assert shown.value == "********"
    assert shown.source == f"{secret}, which MAILFOLD_LISTENER_PASSWORD_FILE names"


@pytest.mark.parametrize("content", [None, b"\xff", b"x" * 70_000])
def test_a_file_that_holds_no_value_is_a_mistake(tmp_path: Path, content: bytes | None) -> None:
    secret = tmp_path / "password"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(SettingsError) as failed:
        load(SECTIONS, environment={"MAILFOLD_LISTENER_PASSWORD_FILE": str(secret)})
    assert [mistake.name for mistake in failed.value.mistakes] == ["listener.password"]
    assert "cannot be read" in failed.value.mistakes[0].message


def test_a_setting_whose_own_name_ends_so_is_no_file() -> None:
    class Files(Section, frozen=True):
        ca: Annotated[str, Meta(description="A.")] = ""
        ca_file: Annotated[str, Meta(description="B.")] = ""

    settings = load({"files": Files}, environment={"MAILFOLD_FILES_CA_FILE": "/ca.pem"})
    assert (settings.of(Files).ca, settings.of(Files).ca_file) == ("", "/ca.pem")


def test_a_number_may_be_in_a_file_and_is_checked(tmp_path: Path) -> None:
    number = tmp_path / "port"
    number.write_text("0", "ascii")
    with pytest.raises(SettingsError, match=r"listener\.port"):
        load(SECTIONS, environment={"MAILFOLD_LISTENER_PORT_FILE": str(number)})
