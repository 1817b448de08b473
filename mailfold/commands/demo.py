"""`mailfold demo`"""

from __future__ import annotations

import sys
from pathlib import Path

from mailfold.commands.options import DATA, Data
from mailfold.commands.up import LayoutOption, LogToTerminal, PortOffset, run
from mailfold.operator.failure import CommandFailed


def demo(data: Data = DATA, port_offset: PortOffset = None, layout: LayoutOption = None, log_to_terminal: LogToTerminal = False) -> None:
    """As `up`, and make a domain and two users once; print all that is needed to connect."""
    from mailfold.demo.ports import chosen_offset
    from shared.places import Places
    from shared.settings import SettingsError

    try:
        offset = chosen_offset(Places(data)) if port_offset is None else port_offset
    except SettingsError as error:
        raise CommandFailed("settings that cannot be used:\n" + "\n".join(f"  {one}" for one in error.mistakes), 2) from error
    run(data, offset, layout, lambda: _announce(data), log_to_terminal=log_to_terminal)


def _announce(data: Path) -> None:
    from mailfold.demo.guide import guide
    from mailfold.demo.people import ensure_people
    from mailfold.operator.report import status
    from mailfold.operator.session import converse
    from shared.clock import SystemClock
    from shared.places import Places
    from shared.tls.authority import LocalAuthority

    places = Places(data)
    people = converse(data, ensure_people)
    listeners = converse(data, status).listeners
    print(f"Mailfold serves from {places.data}; Ctrl-C stops it.\n")
    for line in guide(people, listeners, LocalAuthority(places.tls, SystemClock()).certificate, places.data / "demo.json"):
        print(line)
    sys.stdout.flush()
