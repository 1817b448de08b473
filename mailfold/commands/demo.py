"""`mailfold demo`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mailfold.arguments import DATA, Data, Json
from mailfold.commands.up import LayoutOption, LogToTerminal, PortOffset, run
from mailfold.operator.failure import CommandFailed

if TYPE_CHECKING:
    from mailfold.demo.outgoing import OutgoingMail
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
    """Start the server as `up` does, and create a domain and two users once; print all that is needed to connect.

    Mail to other servers goes to a sink on this machine, which keeps it; `mailfold sink list` lists it.
    """
    from mailfold.demo.outgoing import last_port, set_relay_before_start
    from mailfold.demo.ports import chosen_offset, sink_port
    from mailfold.launcher.sink_process import sink_child
    from shared.places import Places
    from shared.settings import SettingsError

    places = Places(data)
    try:
        offset = chosen_offset(places) if port_offset is None else port_offset
        port = sink_port(places, offset, last_port(places))
    except SettingsError as error:
        raise CommandFailed(
            "settings that cannot be used:\n" + "\n".join(f"  {mistake}" for mistake in error.mistakes), 2
        ) from error
    set_relay_before_start(places, port)
    run(
        data,
        offset,
        layout,
        lambda: _announce(data, port, json=json),
        log_to_terminal=log_to_terminal,
        quiet=json,
        besides=lambda installation: [sink_child(installation, port)],
    )


async def _prepare(session: Session, port: int) -> tuple[OutgoingMail, list[Person], Status]:
    from mailfold.demo.outgoing import ensure_relay
    from mailfold.demo.people import ensure_people
    from mailfold.operator.report import status

    outgoing = await ensure_relay(session, port)  # before there is anybody who can send
    return outgoing, await ensure_people(session), await status(session)


def _announce(data: Path, port: int, *, json: bool) -> None:
    import msgspec

    from mailfold.commands.printing import as_json
    from mailfold.demo.guide import guide
    from mailfold.operator.session import converse
    from shared.clock import SystemClock
    from shared.places import Places
    from shared.tls.authority import LocalAuthority

    places = Places(data)
    outgoing, people, current = converse(data, lambda session: _prepare(session, port))
    authority = LocalAuthority(places.tls, SystemClock()).certificate
    if json:
        as_json(
            {
                "status": msgspec.to_builtins(current),
                "people": msgspec.to_builtins(people),
                "authority": str(authority),
                "outgoing": msgspec.to_builtins(outgoing),
            }
        )
    else:
        print(f"Mailfold serves from {places.data}; Ctrl-C stops it.\n")
        print("\n".join(guide(people, current.listeners, authority, places.data, outgoing)))
    sys.stdout.flush()
