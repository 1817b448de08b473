"""Where things lie below the data folder: each path once."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_SOCKET_PATH_LIMIT = 100
"""A unix socket's path may have 107 octets on Linux."""


class Places:
    """The paths of one installation."""

    def __init__(self, data: Path) -> None:
        self.data = data.resolve()
        self.settings_file = self.data / "mailfold.toml"
        self.run = self.data / "run"
        self.log = self.data / "log"
        self.secrets = self.data / "secrets"
        self.operator = self.secrets / "operator.json"
        self.tls = self.data / "tls"
        self.blobs = self.data / "blobs"
        self.nats = self.data / "nats"
        self.bus_file = self.secrets / "bus.json"
        self.processes = self.run / "processes.json"

    def make(self) -> None:
        """Make the folders, readable by their owner alone. Raises PermissionError when the sockets' folder is someone
        else's.
        """
        for folder in (
            self.data,
            self.run,
            self.log,
            self.secrets,
            self.tls,
            self.blobs,
            self.nats,
            self.data / "store",
            self.sockets,
        ):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self.sockets.lstat()
        # In the temporary folder anyone may have made it first, to listen in our place.
        if status.st_uid != os.geteuid() or not stat.S_ISDIR(status.st_mode):
            raise PermissionError(f"{self.sockets} is not a folder of this user's own")

    @property
    def sockets(self) -> Path:
        """The folder of the services' sockets: `run`, or a short one in the temporary folder when the data folder's
        path is too long.
        """
        if len(os.fsencode(self.run)) + 20 <= _SOCKET_PATH_LIMIT:
            return self.run
        import hashlib
        import tempfile

        digest = hashlib.blake2b(str(self.data).encode(), digest_size=8).hexdigest()
        return Path(tempfile.gettempdir()) / f"mailfold-{os.geteuid()}-{digest}"

    def socket(self, service: str) -> str:
        """The address of a service's contract on this machine."""
        return f"unix:{self.sockets / service}.sock"

    def ready_file(self, process: str) -> Path:
        """Holds the process id once the process serves."""
        return self.run / f"{process}.ready"

    def progress_file(self, process: str) -> Path:
        """What the process does while it starts."""
        return self.run / f"{process}.starting"

    def report_file(self, process: str) -> Path:
        """Where a process that may not answer leaves its last words."""
        return self.log / f"{process}.log"
