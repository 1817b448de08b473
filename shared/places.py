"""The paths below the data folder, each defined once."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_SOCKET_PATH_LIMIT = 100
"""A unix socket's path may have 107 octets on Linux."""
_SOCKET = "rpc.sock"
SETTINGS_VARIABLE, OPERATOR_VARIABLE = "MAILFOLD_SETTINGS_FILE", "MAILFOLD_OPERATOR_FILE"
"""Environment variables with the paths of the settings file and of the operator's tokens. Containers keep these files
outside of the data folder, because each container may see another part of them."""


def _elsewhere(variable: str, usual: Path) -> Path:
    return Path(os.environ[variable]).absolute() if os.environ.get(variable) else usual


class Places:
    """The paths of one installation."""

    def __init__(self, data: Path) -> None:
        self.data = data.resolve()
        self.settings_file = _elsewhere(SETTINGS_VARIABLE, self.data / "mailfold.toml")
        self.run = self.data / "run"
        self.log = self.data / "log"
        self.secrets = self.data / "secrets"
        self.operator = _elsewhere(OPERATOR_VARIABLE, self.secrets / "operator.json")
        self.secrets_key = self.secrets / "secrets.key"
        self.tls = self.data / "tls"
        self.blobs = self.data / "blobs"
        self.listing = self.data / "cache" / "listing.sqlite"
        """What the mailstore keeps ready beside its store; it is made anew when it is missing."""
        self.index = self.data / "index"
        """The text index, which is made anew when it is missing."""
        self.nats = self.data / "nats"
        self.bus_file = self.secrets / "bus.json"
        self.processes = self.run / "processes.json"
        self.sink = self.data / "sink"

    def make(self) -> None:
        """Create the folders, readable only by their owner.

        Raises PermissionError when the folder of the sockets belongs to another user.
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
        # In the temporary folder another user may have created it first, to listen in our place.
        if status.st_uid != os.geteuid() or not stat.S_ISDIR(status.st_mode):
            raise PermissionError(f"{self.sockets} is not a folder of this user's own")

    @property
    def sockets(self) -> Path:
        """The folder of the services' sockets, in which each service has a folder of its own.

        It is `run`, or a short path in the temporary folder when the path of the data folder is too long.
        """
        if len(os.fsencode(self.run)) + 25 <= _SOCKET_PATH_LIMIT:
            return self.run
        import hashlib
        import tempfile

        digest = hashlib.blake2b(str(self.data).encode(), digest_size=8).hexdigest()
        return Path(tempfile.gettempdir()) / f"mailfold-{os.geteuid()}-{digest}"

    def socket(self, service: str) -> str:
        """The address of a service's contract on this machine.

        The folder of the socket belongs to the service alone, so that containers can share it with callers who must
        not be able to replace the socket.
        """
        return f"unix:{self.sockets / service / _SOCKET}"

    def ready_file(self, process: str) -> Path:
        """The file that holds the process id once the process serves."""
        return self.run / f"{process}.ready"

    def progress_file(self, process: str) -> Path:
        """The file with the progress of a process's start."""
        return self.run / f"{process}.starting"

    def report_file(self, process: str) -> Path:
        """The file for the last report of a process that may not be able to answer."""
        return self.log / f"{process}.log"
