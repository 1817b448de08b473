"""What every measurement works with: the target, the sessions that look, the meters."""

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
    """Mail without end: every message is taken once."""

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
    """The server's processes and how to count fsyncs; `server` is None for a server that tells nothing."""

    server: ServerProcesses | None = None
    fsync_method: str | None = None
    data: Path | None = None
    """Data folder of a Mailfold: its command tells what its stores have done."""

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by process."""
        return cpu_seconds(self.server) if self.server else {}

    def passed(self) -> Work:
        """Octets and calls so far."""
        return passed(self.server) if self.server else {}

    async def stored(self) -> Work:
        """What the stores have done so far; asking is work too, the same each time. Raises CommandFailed."""
        return stored(await mailfold_command.status(self.data)) if self.data else {}

    async def quiet(self, progress: Progress, limit: float = 30.0) -> None:
        """Waits until the server rests."""
        if self.server and not await wait_until_quiet(self.server, limit):
            progress.say(f"the server was still busy after {limit:g} s")


def per_message(before: Mapping[str, float], after: Mapping[str, float], messages: int) -> Cost:
    """Milliseconds a message by process, the dearest first."""
    cost = {name: round(seconds * 1000 / max(1, messages), 4) for name, seconds in used(before, after).items()}
    return dict(sorted(cost.items(), key=lambda item: -item[1]))
