"""Whom root becomes: the user that the server runs as, and whom a command acts as."""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = 0


class CannotBecome(Exception):
    """A sentence that says why nobody can be that user, and what to do."""


class Identity(NamedTuple):
    """A user of this machine."""

    name: str
    uid: int
    gid: int
    home: str


def user_named(name: str) -> Identity:
    """By name, or by number, which need not have a name. Raises CannotBecome."""
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
    """Who owns a folder; None where there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    try:
        return _identity(pwd.getpwuid(status.st_uid))
    except KeyError:
        return Identity(str(status.st_uid), status.st_uid, status.st_gid, "/")


def become(identity: Identity) -> None:
    """Root is this user from now on, for good and for all that it starts. Raises OSError."""
    _take_groups(identity)
    os.setresgid(identity.gid, identity.gid, identity.gid)
    os.setresuid(identity.uid, identity.uid, identity.uid)


def act_as_owner(folder: Path) -> None:
    """Root is the owner of the data folder from now on: what a command makes there (a service's database, settings)
    must be the server's to open. Raises CannotBecome, OSError."""
    owner = owner_of(folder) if os.geteuid() == ROOT else None
    if owner is not None and owner.uid != ROOT:
        with acting_as(owner):
            check_readable(owner)
        become(owner)


@contextlib.contextmanager
def acting_as(identity: Identity) -> Iterator[None]:
    """What root makes in this block belongs to that user, and it can open what that user can open."""
    _take_groups(identity)
    os.setegid(identity.gid)
    os.seteuid(identity.uid)
    try:
        yield
    finally:
        os.seteuid(ROOT)
        os.setegid(ROOT)


def check_readable(identity: Identity) -> None:
    """As that user: whether Python and Mailfold can be read. Modules are read long after the start. Raises
    CannotBecome."""
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
