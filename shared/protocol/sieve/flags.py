"""Flags in scripts (RFC 5232): lists of flag names in strings, compared without regard to case."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from shared.protocol.imap.flags import InvalidFlag, canonical_flag
from shared.protocol.sieve.running import ScriptRun
from shared.protocol.sieve.validate.arguments import Arguments
from shared.protocol.sieve.validate.scope import Scope
from shared.protocol.sieve.validate.text import ScriptText

Flags = tuple[str, ...]
MOST_FLAGS = 100
"""Flags that a message gets from a script; those after them are dropped."""
_READING_WORK = 64
"""The work to read an octet of a list of flags, in octets compared."""
_SYSTEM_NAMES = frozenset({b"seen", b"answered", b"flagged", b"deleted", b"draft"})


def flags_of(scope: Scope, arguments: Arguments) -> Callable[[ScriptRun], Flags] | None:
    """The flags behind `:flags` (RFC 5232 §5), or None without it."""
    if not arguments.has("flags"):
        return None
    texts = arguments.tag_texts("flags")
    warn_of_lost_backslash(scope, texts)
    return lambda run: read_flags(run, (text.value(run) for text in texts))


def warn_of_lost_backslash(scope: Scope, texts: Iterable[ScriptText]) -> None:
    r"""Warn of "\Seen": in a string it is the keyword Seen, because a backslash must be written twice."""
    for text in texts:
        for word in (text.constant or b"").lower().split():
            if word in _SYSTEM_NAMES:
                name = word.decode().capitalize()
                scope.notes.warn(text.place, f'"{name}" is a keyword; the system flag is written "\\\\{name}"')


def read_flags(run: ScriptRun, values: Iterable[bytes]) -> Flags:
    """The flags in strings, each of them once. What is no flag is ignored (RFC 5232 §2)."""
    flags: dict[str, str] = {}
    for value in values:
        run.spend(_READING_WORK * len(value))
        for word in value.decode("utf-8", "replace").split(" "):
            flag = _canonical(word)
            if flag and len(flags) < MOST_FLAGS:
                flags.setdefault(flag.lower(), flag)
    return tuple(flags.values())


def _canonical(word: str) -> str:
    try:
        return canonical_flag(word) if word.startswith("\\") else (canonical_flag(word) and word)
    except InvalidFlag:
        return ""


def without(flags: Flags, removed: Flags) -> Flags:
    """The flags that are not removed."""
    names = {flag.lower() for flag in removed}
    return tuple(flag for flag in flags if flag.lower() not in names)


def together(flags: Flags, added: Flags) -> Flags:
    """Both, each flag once."""
    return (*flags, *without(added, flags))[:MOST_FLAGS]
