"""`mailfold demo`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mailfold.arguments import DATA, Data, Json
from mailfold.commands.up import LayoutOption, LogToTerminal, PortOffset, run
from mailfold.operator.failure import CommandFailed

if TYPE_CHECKING:
    from mailfold.demo.people import Person
    from mailfold.operator.report import Status
    from mailfold.operator.session import Session


def demo(
    data: Data = DATA,
    port_offset: PortOffset = None,
    layout: LayoutOption = None,
    log_to_terminal: LogToTerminal = False,
    json: Json = False,
) -> None:
    """Start the server as `up` does, and create a domain and two users once; print all that is needed to connect."""
    from mailfold.demo.ports import chosen_offset
    from shared.places import Places
    from shared.settings import SettingsError

    try:
        offset = chosen_offset(Places(data)) if port_offset is None else port_offset
    except SettingsError as error:
        raise CommandFailed(
            "settings that cannot be used:\n" + "\n".join(f"  {mistake}" for mistake in error.mistakes), 2
        ) from error
    run(data, offset, layout, lambda: _announce(data, json=json), log_to_terminal=log_to_terminal, quiet=json)


async def _prepare(session: Session) -> tuple[list[Person], Status]:
    from mailfold.demo.people import ensure_people
    from mailfold.operator.report import status

    return await ensure_people(session), await status(session)


def _announce(data: Path, *, json: bool) -> None:
    import msgspec

    from mailfold.commands.printing import as_json
    from mailfold.demo.guide import guide
    from mailfold.operator.session import converse
    from shared.clock import SystemClock
    from shared.places import Places
    from shared.tls.authority import LocalAuthority

    places = Places(data)
    people, current = converse(data, _prepare)
    authority = LocalAuthority(places.tls, SystemClock()).certificate
    if json:
        as_json(
            {"status": msgspec.to_builtins(current), "people": msgspec.to_builtins(people), "authority": str(authority)}
        )
    else:
        print(f"Mailfold serves from {places.data}; Ctrl-C stops it.\n")
        print("\n".join(guide(people, current.listeners, authority, places.data / "demo.json")))
    sys.stdout.flush()
