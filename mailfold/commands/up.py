"""`mailfold up`"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from mailfold.arguments import DATA, Data, Json, Option
from mailfold.operator.failure import CommandFailed

if TYPE_CHECKING:
    from mailfold.launcher.installation import Installation
    from mailfold.supervisor.child import Child

    Besides = Callable[[Installation], Sequence[Child]]

PortOffset = Annotated[
    int | None, Option("--port-offset", minimum=0, maximum=64000, help="Added to every well-known port.")
]
LayoutOption = Annotated[
    Literal["small", "split"] | None,
    Option("--layout", help="small: few processes; split: one for each service."),
]
LogToTerminal = Annotated[
    bool, Option("--log-to-terminal", help="Log to the terminal instead of to files, as for containers.")
]


def up(
    data: Data = DATA,
    port_offset: PortOffset = None,
    layout: LayoutOption = None,
    log_to_terminal: LogToTerminal = False,
    json: Json = False,
) -> None:
    """Start the server and keep it running until Ctrl-C or SIGTERM.

    A second Ctrl-C ends it at once. With --json the status is printed when the server is ready.
    """
    run(data, port_offset, layout, lambda: announce(data, json=json), log_to_terminal=log_to_terminal, quiet=json)


def run(
    data: Path,
    port_offset: int | None,
    layout: str | None,
    announced: Callable[[], None],
    *,
    log_to_terminal: bool = False,
    quiet: bool = False,
    besides: Besides | None = None,
) -> None:
    """Start, supervise, and end with the launcher's exit code.

    `announced` runs in a process of its own once all is ready. `besides` makes children that are no services.
    """
    from mailfold.launcher.announcer import Announcer
    from mailfold.launcher.installation import RunsAlready, prepare
    from mailfold.launcher.start import no_children, supervise
    from mailfold.operator.identity import CannotBecome
    from shared.bus.errors import NatsServerMissing
    from shared.server_settings import ServerSettings
    from shared.settings import SettingsError

    flags = {"server.port_offset": port_offset, "server.layout": layout}
    # made before the launcher becomes another user, who may not read the operator's tokens
    announcer = Announcer(announced)
    try:
        installation = prepare(data, {name: str(value) for name, value in flags.items() if value is not None})
        if not quiet:
            _warn_of_root(installation.settings.of(ServerSettings).user)
        code = supervise(installation, announcer.ready, log_to_terminal=log_to_terminal, besides=besides or no_children)
    except SettingsError as error:
        raise CommandFailed(
            "settings that cannot be used:\n" + "\n".join(f"  {mistake}" for mistake in error.mistakes), 2
        ) from error
    except (RunsAlready, NatsServerMissing, CannotBecome) as error:
        raise CommandFailed(str(error), 2) from error
    except OSError as error:
        raise CommandFailed(
            f"{data} cannot be the data folder: {error}; name a folder that can be written with --data", 2
        ) from error
    finally:
        announcer.close()
    sys.exit(code)


def _warn_of_root(user: str) -> None:
    if os.geteuid() == 0 and not user:
        print(
            "mailfold: the server runs as root: name another user in server.user (docs/privileges.md), or root to say "
            "that"
            " it is meant",
            file=sys.stderr,
            flush=True,
        )


def announce(data: Path, *, json: bool) -> None:
    """Print where clients connect."""
    import msgspec

    from mailfold.commands.printing import as_json
    from mailfold.commands.status import print_listeners
    from mailfold.operator.report import status
    from mailfold.operator.session import converse

    current = converse(data, status)
    if json:
        as_json(msgspec.to_builtins(current))
        sys.stdout.flush()
        return
    print(f"Mailfold serves from {data.resolve()}; Ctrl-C stops it.")
    print_listeners(current)
    sys.stdout.flush()
