"""Values as people write and read them: times, and text without characters that control a terminal."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from mailfold.operator.failure import CommandFailed

_AGO = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def since(text: str, now: int) -> int:
    """The microseconds of a time: `10m`, `2h`, `1d` ago, or an ISO date or time (UTC unless it names a zone).

    Raises CommandFailed.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return max(now - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000, 0)
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise CommandFailed(f"{text!r} is not a time; write 10m, 2h, 1d or 2026-11-23T10:00", 2) from error
    return max(int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000), 0)


def until(text: str, now: int) -> int:
    """The microseconds of a time to come: `10m`, `2h`, `30d` from now, or an ISO date or time in UTC.

    Raises CommandFailed.
    """
    ahead = _AGO.fullmatch(text.strip())
    return now + int(ahead[1]) * _SECONDS[ahead[2]] * 1_000_000 if ahead else since(text, now)


def moment(microseconds: int) -> str:
    """A time in UTC, to the millisecond; `-` for none."""
    return (
        datetime.fromtimestamp(microseconds / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        if microseconds
        else "-"
    )


def printable(text: str, *, keep_lines: bool = False) -> str:
    """The text without characters that control a terminal; `keep_lines` keeps the ends of lines.

    Much of what commands show was written by strangers, who must not control the terminal.
    """
    return "".join(
        character if character.isprintable() or (keep_lines and character == "\n") else "�" for character in text
    )


def counted(number: int, thing: str, things: str = "") -> str:
    """A number of things: `1 message`, `2 messages`. `things` is the plural where that is not the word with an s."""
    return f"{number} {thing}" if number == 1 else f"{number} {things or f'{thing}s'}"


def octets(number: int) -> str:
    """A size for people: `12 octets`, `3.4 MB`."""
    for factor, unit in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return counted(number, "octet")


def duration(seconds: int) -> str:
    """A time span for people: `40 s`, `3 min`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
