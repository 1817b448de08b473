"""One service in this process, as containers run it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mailfold import catalogue
from mailfold.containers.key_files import credentials_file
from mailfold.launcher.capabilities import show_memory
from mailfold.operator.failure import UNUSABLE, CommandFailed
from shared.grpc.credentials import CallTokens
from shared.places import Places
from shared.service import run


def serve(service: str, data: Path, keys: Path) -> None:
    """Run the service until SIGTERM or SIGINT.

    Raises CommandFailed when its credentials are missing, SettingsError, and OSError for the data folder.
    """
    file = credentials_file(keys, service)
    try:
        credentials = msgspec.json.decode(file.read_bytes(), type=CallTokens)
    except (OSError, msgspec.DecodeError) as error:
        advice = "`mailfold container prepare` makes it"
        raise CommandFailed(f"{file} cannot be used: {error}; {advice}", UNUSABLE) from error
    show_memory(False)
    Places(data).make()
    run(service, catalogue.builds([service]), catalogue.sections(), data, credentials)
