"""What is known about a user: the display name, the language and the time zone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import msgspec

from services.directory.domain.state import DirectoryRefused, UserState
from shared.events.groups import UserProfileChanged
from shared.eventstore.event import Event

_NAME_LIMIT, _LANGUAGE_LIMIT = 200, 100
_LANGUAGE = re.compile(
    r"(?P<language>[a-z]{2,3}(-[a-z]{3}){0,3}|[a-z]{4,8})"
    r"(-(?P<script>[a-z]{4}))?(-(?P<region>[a-z]{2}|\d{3}))?"
    r"(-([a-z\d]{5,8}|\d[a-z\d]{3}))*(-[a-wyz\d](-[a-z\d]{2,8})+)*(-x(-[a-z\d]{1,8})+)?",
    re.ASCII,
)
"""A language tag in lower case (RFC 5646 §2.1, `langtag`); the tags that were registered before RFC 4646 are not
taken."""


class ProfileRequest(msgspec.Struct, frozen=True):
    """What a profile is to be; None leaves a value as it is, and an empty text takes it away."""

    display_name: str | None = None
    language: str | None = None
    time_zone: str | None = None


def change_profile(user: UserState, request: ProfileRequest, is_time_zone: Callable[[str], bool]) -> list[Event]:
    """Change the profile of a user; no event when nothing changes. Raises DirectoryRefused.

    `is_time_zone` says whether the IANA time zone database has a name.
    """
    time_zone = user.time_zone if request.time_zone is None else request.time_zone.strip()
    if time_zone and time_zone != user.time_zone and not is_time_zone(time_zone):
        raise DirectoryRefused("invalid", f"{time_zone!r} is not a time zone; give a name such as Europe/Berlin or UTC")
    desired = (
        user.display_name if request.display_name is None else _display_name(request.display_name),
        user.language if request.language is None else language_tag(request.language),
        time_zone,
    )
    return (
        [] if desired == (user.display_name, user.language, user.time_zone) else [UserProfileChanged(user.id, *desired)]
    )


def language_tag(text: str) -> str:
    """A language tag in its canonical case (RFC 5646 §2.1.1). Raises DirectoryRefused."""
    lower = text.strip().replace("_", "-").lower()
    if not lower:
        return ""
    match = _LANGUAGE.fullmatch(lower) if len(lower) <= _LANGUAGE_LIMIT else None
    if match is None:
        raise DirectoryRefused("invalid", f"{text!r} is not a language tag; give one such as de, pt-BR or zh-Hant")
    for part, changed in (("script", str.title), ("region", str.upper)):
        if match[part] is not None:
            lower = lower[: match.start(part)] + changed(match[part]) + lower[match.end(part) :]
    return lower


def _display_name(text: str) -> str:
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(name) > _NAME_LIMIT or not name.isprintable():
        raise DirectoryRefused("invalid", f"a display name has at most {_NAME_LIMIT} printable characters")
    return name
