"""Settings with types, bounds and descriptions; all mistakes are reported at once, each with its source.

A section is a frozen msgspec struct whose fields are `Annotated[type, Meta(description=…, ge=…)]` with a default.
Values come from the defaults, then `mailfold.toml`, then `MAILFOLD_<SECTION>_<SETTING>`, then flags; a later source
overrides an earlier one. `MAILFOLD_<SECTION>_<SETTING>_FILE` names a file that holds the value, for secrets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

ENVIRONMENT_PREFIX = "MAILFOLD_"
FILE_NAME = "mailfold.toml"
_FILE_SUFFIX = "_file"
_LONGEST_FILE = 64 * 1024
"""Octets of a file that holds one value."""


class Section(msgspec.Struct, frozen=True):
    """The settings of one service or part."""


class Mistake(msgspec.Struct, frozen=True):
    """One value that is invalid."""

    name: str
    source: str
    message: str

    def __str__(self) -> str:
        return f"{self.name} ({self.source}): {self.message}"


class SettingsError(Exception):
    """All mistakes in the settings."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


class Described(msgspec.Struct, frozen=True):
    """A setting as an operator sees it."""

    name: str
    value: str
    source: str
    default: str
    type: str
    description: str
    secret: bool


S = TypeVar("S", bound=Section)
Sections = Mapping[str, type[Section]]


class Settings:
    """The values in force, by section, with the source of each."""

    def __init__(self, sections: Mapping[str, Section], sources: Mapping[str, str]) -> None:
        self._sections = dict(sections)
        self._sources = dict(sources)

    def of(self, kind: type[S]) -> S:
        """The section of this type, or of a type that extends it."""
        return next(section for section in self._sections.values() if isinstance(section, kind))

    def described(self) -> list[Described]:
        """Every setting, with secrets masked."""
        return [
            _described(name, section, field, hint, self._sources.get(f"{name}.{field}", "default"))
            for name, section in self._sections.items()
            for field, hint in _fields(type(section))
        ]


def load(
    sections: Sections,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
) -> Settings:
    """Read settings from all sources. Raises SettingsError with every mistake."""
    mistakes: list[Mistake] = []
    given: dict[str, tuple[Any, str]] = {}
    for source in (
        _from_file(sections, file, mistakes),
        _from_environment(sections, environment or {}, mistakes),
        _from_flags(flags or {}),
    ):
        given |= source
    values = {name: _section(name, kind, given, mistakes) for name, kind in sections.items()}
    known = {f"{name}.{field}" for name, kind in sections.items() for field, _ in _fields(kind)}
    mistakes += [
        Mistake(name, source, _no_such("setting", name, known))
        for name, (_, source) in given.items()
        if name not in known
    ]
    if mistakes:
        raise SettingsError(mistakes)
    return Settings(values, {name: source for name, (_, source) in given.items()})


def check(sections: Sections, name: str, value: str) -> Any:
    """The typed value of one setting. Raises SettingsError."""
    section, _, field = name.partition(".")
    hint = dict(_fields(sections[section])).get(field) if section in sections else None
    if hint is None:
        known = [f"{title}.{field}" for title, kind in sections.items() for field, _ in _fields(kind)]
        raise SettingsError([Mistake(name, "command", _no_such("setting", name, known))])
    try:
        return _converted(value, hint)
    except (msgspec.ValidationError, ValueError) as error:
        raise SettingsError([Mistake(name, "command", _refusal(value, hint, error))]) from error


def environment_name(name: str) -> str:
    """The environment variable of a setting: `bus.url` → `MAILFOLD_BUS_URL`."""
    return ENVIRONMENT_PREFIX + name.replace(".", "_").upper()


def _fields(kind: type[Section]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(kind, include_extras=True)
    return ((name, hints[name]) for name in kind.__struct_fields__)


def _from_file(sections: Sections, file: Path | None, mistakes: list[Mistake]) -> dict[str, tuple[Any, str]]:
    if file is None or not file.exists():
        return {}
    import tomllib

    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        mistakes.append(Mistake(file.name, str(file), f"cannot be read: {error}"))
        return {}
    given: dict[str, tuple[Any, str]] = {}
    for section, table in tables.items():
        if section not in sections or not isinstance(table, dict):
            mistakes.append(Mistake(section, str(file), _no_such("section", section, sections)))
            continue
        given |= {f"{section}.{name}": (value, str(file)) for name, value in table.items()}
    return given


def _from_environment(
    sections: Sections, environment: Mapping[str, str], mistakes: list[Mistake]
) -> dict[str, tuple[Any, str]]:
    given: dict[str, tuple[Any, str]] = {}
    for variable, value in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        section, _, name = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("_")
        if section in sections and name:
            source = f"environment variable {variable}"
            if (named := _setting_in_file(sections[section], name)) is None:
                given[f"{section}.{name}"] = (value, source)
            elif (content := _content(f"{section}.{named}", Path(value), source, mistakes)) is not None:
                given[f"{section}.{named}"] = (content, f"{value}, which {variable} names")
    return given


def _setting_in_file(section: type[Section], name: str) -> str | None:
    """The setting whose value is in a file, for the name `<setting>_file`; None for the name of a setting."""
    inner = name.removesuffix(_FILE_SUFFIX)
    return inner if name not in section.__struct_fields__ and inner in section.__struct_fields__ else None


def _content(name: str, file: Path, source: str, mistakes: list[Mistake]) -> str | None:
    """The value in a file, without the line end; None when it cannot be used."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_LONGEST_FILE + 1)
        if len(content) > _LONGEST_FILE:
            raise ValueError(f"it has more than {_LONGEST_FILE} octets")
        return content.decode().rstrip("\r\n")
    except (OSError, ValueError) as error:
        mistakes.append(Mistake(name, source, f"{file} cannot be read: {error}"))
        return None


def _from_flags(flags: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    return {name: (value, "flag") for name, value in flags.items()}


def _section(name: str, kind: type[Section], given: Mapping[str, tuple[Any, str]], mistakes: list[Mistake]) -> Section:
    values = {}
    for field, hint in _fields(kind):
        if f"{name}.{field}" not in given:
            continue
        value, source = given[f"{name}.{field}"]
        try:
            values[field] = _converted(value, hint)
        except (msgspec.ValidationError, ValueError) as error:
            mistakes.append(Mistake(f"{name}.{field}", source, _refusal(value, hint, error)))
    return kind(**values)


def _refusal(value: Any, hint: Any, error: Exception) -> str:
    """What is wrong with a value, and the meaning of the setting; the value of a secret is not shown."""
    meta = _meta(hint)
    given = "it" if (meta.extra or {}).get("secret") else repr(value)
    return f"{given} cannot be used: {error}. {meta.description or ''}".rstrip()


def _no_such(what: str, name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), 1)
    return f"there is no such {what}" + (f"; is it {close[0]}?" if close else "; `mailfold settings` lists all")


def _meta(hint: Any) -> Meta:
    return next((entry for entry in getattr(hint, "__metadata__", ()) if isinstance(entry, Meta)), Meta())


def _converted(value: Any, hint: Any) -> Any:
    bare = get_args(hint)[0] if get_origin(hint) is not None and hasattr(hint, "__metadata__") else hint
    if isinstance(value, str) and get_origin(bare) is tuple:
        value = [piece.strip() for piece in value.split(",") if piece.strip()]
    return msgspec.convert(value, hint, strict=False)


def _described(name: str, section: Section, field: str, hint: Any, source: str) -> Described:
    meta = _meta(hint)
    secret = bool((meta.extra or {}).get("secret"))
    default = getattr(type(section)(), field)
    value = getattr(section, field)
    shown = "********" if secret and value else as_text(value)
    kind = get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    return Described(
        f"{name}.{field}",
        shown,
        source,
        as_text(default),
        getattr(kind, "__name__", str(kind)),
        meta.description or "",
        secret,
    )


def as_text(value: Any) -> str:
    """A value in the form of an environment variable or a command line."""
    if isinstance(value, tuple):
        return ",".join(str(piece) for piece in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
