"""The user that root becomes: for the server, and for a command."""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = 0


class CannotBecome(Exception):
    """The process cannot become that user; the sentence says why, and what to do."""


class Identity(NamedTuple):
    """A user of this machine."""

    name: str
    uid: int
    gid: int
    home: str


def user_named(name: str) -> Identity:
    """The user of this name or number; a number need not have a name. Raises CannotBecome."""
    try:
        return _identity(pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name))
    except KeyError:
        if name.isdecimal():
            return Identity(name, int(name), int(name), "/")
        raise CannotBecome(
            f"server.user: there is no user {name} on this machine; make one (`useradd --system {name}`) or name "
            f"another"
        ) from None


def owner_of(folder: Path) -> Identity | None:
    """The owner of a folder; None when the folder does not exist."""
    try:
        status = folder.stat()
    except OSError:
        return None
    try:
        return _identity(pwd.getpwuid(status.st_uid))
    except KeyError:
        return Identity(str(status.st_uid), status.st_uid, status.st_gid, "/")


def become(identity: Identity) -> None:
    """Become this user for good, including everything that is started. Raises OSError."""
    _take_groups(identity)
    os.setresgid(identity.gid, identity.gid, identity.gid)
    os.setresuid(identity.uid, identity.uid, identity.uid)


def act_as_owner(folder: Path) -> None:
    """Let root become the owner of the data folder, so that the server can open what the command makes there.

    Raises CannotBecome, OSError.
    """
    owner = owner_of(folder) if os.geteuid() == ROOT else None
    if owner is not None and owner.uid != ROOT:
        with acting_as(owner):
            check_readable(owner)
        become(owner)


@contextlib.contextmanager
def acting_as(identity: Identity) -> Iterator[None]:
    """Let root act as that user in the block: files it makes belong to that user."""
    _take_groups(identity)
    os.setegid(identity.gid)
    os.seteuid(identity.uid)
    try:
        yield
    finally:
        os.seteuid(ROOT)
        os.setegid(ROOT)


def check_readable(identity: Identity) -> None:
    """Check that this user can read Python and Mailfold, because modules are read long after the start.

    Raises CannotBecome.
    """
    for file in (os.__file__, __file__):
        try:
            Path(file).open("rb").close()
        except OSError as error:
            raise CannotBecome(
                f"{identity.name} cannot read {file} ({error.strerror}); install Python and Mailfold where every user "
                f"may"
                " read them, not in root's home"
            ) from None


def _take_groups(identity: Identity) -> None:
    if identity.name.isdecimal():
        os.setgroups([])
    else:
        os.initgroups(identity.name, identity.gid)


def _identity(entry: pwd.struct_passwd) -> Identity:
    return Identity(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)
