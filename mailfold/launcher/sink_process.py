"""The sink as a process of the supervisor."""

from __future__ import annotations

import os

from mailfold.launcher import capabilities
from mailfold.launcher.installation import Installation
from mailfold.launcher.processes import holds
from mailfold.operator.identity import ROOT
from mailfold.supervisor.child import Child, Fork

NAME = "sink"
_ADDRESS = "127.0.0.1"


def sink_child(installation: Installation, port: int) -> Child:
    """The child that keeps all mail sent to this port of the loopback address."""
    ready_file = installation.places.ready_file(NAME)
    ready_file.unlink(missing_ok=True)

    def main() -> None:
        installation.parts.close()  # it calls no service
        if os.geteuid() != ROOT:
            capabilities.give_up()
        from mailfold.sink.limits import SinkLimits
        from mailfold.sink.maildir import SinkMaildir
        from mailfold.sink.run import run

        maildir = SinkMaildir(installation.places.sink)
        run(maildir, _ADDRESS, port, SinkLimits(), lambda _port: _is_ready())

    def _is_ready() -> None:
        ready_file.write_text(str(os.getpid()))

    return Child(NAME, Fork(main), ready=lambda pid: holds(ready_file, pid))
