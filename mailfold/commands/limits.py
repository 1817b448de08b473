"""What accounts and applications may hold, as commands take it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from mailfold.arguments import Argument, Option
from mailfold.operator.failure import UNUSABLE, CommandFailed

Quota = Annotated[str, Argument("The quota, such as 500M or 2G; 0: no limit; without it, it stays.")]
Messages = Annotated[str, Option("--messages", help="How many messages it may have; 0: no limit.")]
Size = Annotated[str, Argument("The largest message, such as 20M; 0: that of its domain.")]


def limits_of(quota: str, messages: str, size: str = "") -> dict[str, int]:
    """The fields of the limits that were given. Raises CommandFailed."""
    from shared.routing.domain_values import messages_of

    limits = {"quota_bytes": octets(quota)} if quota else {}
    if messages:
        limits["quota_messages"] = _number(messages, messages_of)
    return limits | ({"max_message_size": octets(size)} if size else {})


def quota_of(quota: str, messages: str) -> dict[str, int]:
    """The fields of a quota, of which one at least was given. Raises CommandFailed."""
    limits = limits_of(quota, messages)
    if not limits:
        raise CommandFailed("which quota? Give a size such as 2G, or --messages 100000", UNUSABLE)
    return limits


def octets(text: str) -> int:
    """The octets of a size such as 20M. Raises CommandFailed."""
    from shared.routing.domain_values import octets_of

    return _number(text, octets_of)


def _number(text: str, read: Callable[[str], int]) -> int:
    try:
        return read(text)
    except ValueError as error:
        raise CommandFailed(str(error), UNUSABLE) from error
