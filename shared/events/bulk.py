"""Events of imports into the directory, and of password hashes that came from elsewhere.

An import has a stream `import:<command id>`; the objects that it adds are events of the directory with that command id.
"""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("import.begun")
class ImportBegun(Event, frozen=True):
    """An import of a file began. All its changes have its id as their command."""

    id: str
    digest: str
    """The keyed hash of the file's digest, by which an interrupted import of the same file is continued."""


@stored("import.ended")
class ImportEnded(Event, frozen=True):
    """Every line of the file was imported or refused."""

    id: str
    objects: int
    """The objects that it added or changed."""
    refused: int
    """The lines that were refused."""


@stored("user.hash_renewed", secret=("password_hash",))
class UserHashRenewed(Event, frozen=True):
    """The password of a user, which is the same as before, was hashed with argon2id at a log-in.

    The hash before came with an import. Log-ins stay valid.
    """

    id: str
    password_hash: str
