"""What every measurement uses: the target, sessions for reading, and meters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loadtest import mailfold_command
from loadtest.content.mail import mails
from loadtest.content.profile import Profile
from loadtest.figures import Cost
from loadtest.meter.cpu import cpu_seconds, used, wait_until_quiet
from loadtest.meter.server_processes import ServerProcesses
from loadtest.meter.work import Work, passed, stored
from loadtest.smtp.rendered_mail import RenderedMail, render
from loadtest.watching import Progress


@dataclass(slots=True)
class Supply:
    """An endless supply of mail; every message is taken once."""

    profile: Profile
    first: int = 0
    _next: int = field(init=False)

    def __post_init__(self) -> None:
        self._next = self.first

    def rendered_mails(self, count: int) -> list[RenderedMail]:
        """The next `count` messages, rendered."""
        start, self._next = self._next, self._next + count
        return [render(mail) for mail in mails(self.profile, count, start)]


@dataclass(frozen=True, slots=True)
class Meters:
    """The meters of a server's processes and fsyncs; `server` is None for a server that reports no processes."""

    server: ServerProcesses | None = None
    fsync_method: str | None = None
    data: Path | None = None
    """The data folder of a Mailfold server, whose command reports the work of its stores."""

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by process."""
        return cpu_seconds(self.server) if self.server else {}

    def passed(self) -> Work:
        """Octets and calls so far."""
        return passed(self.server) if self.server else {}

    async def stored(self) -> Work:
        """The work of the stores so far. Asking is work too, but always the same. Raises CommandFailed."""
        return stored(await mailfold_command.status(self.data)) if self.data else {}

    async def quiet(self, progress: Progress, limit: float = 30.0) -> None:
        """Wait until the server is idle."""
        if self.server and not await wait_until_quiet(self.server, limit):
            progress.say(f"the server was still busy after {limit:g} s")


def per_message(before: Mapping[str, float], after: Mapping[str, float], messages: int) -> Cost:
    """Milliseconds for each message by process, the largest first."""
    cost = {name: round(seconds * 1000 / max(1, messages), 4) for name, seconds in used(before, after).items()}
    return dict(sorted(cost.items(), key=lambda item: -item[1]))
