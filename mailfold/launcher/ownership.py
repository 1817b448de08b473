"""The user that the server runs as, and the owner of the data folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mailfold.operator.identity import ROOT, CannotBecome, Identity, owner_of, user_named
from shared.settings import FILE_NAME

_MAY_LIE_THERE = {FILE_NAME, "lost+found"}
"""Names that an unused folder may contain: settings for the first start, and what a file system creates by itself."""


def server_identity(user: str, data: Path) -> Identity | None:
    """The user that root becomes: that of the settings, else the owner of the data folder.

    None: the process stays the user that it is. Raises CannotBecome.
    """
    if os.geteuid() != ROOT:
        _check_is_us(user)
        return None
    identity = user_named(user) if user else owner_of(data)
    return None if identity is None or identity.uid == ROOT else identity


def give_folder(data: Path, identity: Identity) -> None:
    """Create the data folder, and give it to that user when it is new, or when root made it and nobody has used it.

    Raises CannotBecome for any other folder, and OSError.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(folder).st_uid != identity.uid:
            _check_is_unused(data, folder, identity)
            _give_settings(folder, identity)
            os.fchown(folder, identity.uid, identity.gid)
            os.fchmod(folder, 0o700)
    finally:
        os.close(folder)


def _check_is_us(user: str) -> None:
    if user and user_named(user).uid != os.geteuid():
        raise CannotBecome(
            f"server.user is {user}, and only root can become another user: start the server as root or as {user}"
        )


def _check_is_unused(data: Path, folder: int, identity: Identity) -> None:
    owner = os.fstat(folder).st_uid
    if owner != ROOT or not _MAY_LIE_THERE.issuperset(os.listdir(folder)):
        raise CannotBecome(
            f"{data} belongs to {getattr(owner_of(data), 'name', owner)} and the server is to run as {identity.name};"
            f" stop what uses it and give it away with `chown -R {identity.name} {data}`, or change server.user"
        )


def _give_settings(folder: int, identity: Identity) -> None:
    """Give the user the settings file, which the directory writes.

    A link is left alone, and a file with a second name may belong to somebody else.
    """
    try:
        file = os.open(FILE_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return
    try:
        status = os.fstat(file)
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
            os.fchown(file, identity.uid, identity.gid)
    finally:
        os.close(file)
