"""Events of the directory about log-ins in which no password is sent.

Keys of SCRAM-SHA-256 (RFC 5802) are encrypted under one secret of the directory, which is sealed by `shared.secrets`.
They are in the stream `scram:<id>` of the user or application, apart from what people change. The secret is in the
stream `scram`, and the offer of mechanisms in the stream `mechanisms`.
"""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("scram.secret_made", secret=("sealed",))
class ScramSecretMade(Event, frozen=True):
    """The keys of passwords are encrypted under this secret, and the salts of unknown names come from it."""

    id: str
    sealed: str
    """The sealed secret."""


@stored("scram.secret_resealed", secret=("sealed",))
class ScramSecretResealed(Event, frozen=True):
    """The secret was encrypted again under another key of secrets."""

    id: str
    sealed: str


@stored("scram.salt_chosen", secret=("salt",))
class ScramSaltChosen(Event, frozen=True):
    """All passwords of a user or of an application have this salt, in hexadecimal, and this count."""

    owner: str
    """The id of the user or of the application."""
    salt: str
    iterations: int


@stored("scram.keys_made", secret=("keys",))
class ScramKeysMade(Event, frozen=True):
    """The encrypted keys of a password."""

    owner: str
    credential: str
    """The id of the app password; that of the owner for its own password."""
    keys: str


@stored("user.mechanisms_offered")
class MechanismsOffered(Event, frozen=True):
    """From now on services announce these mechanisms besides those in which a password is sent."""

    names: tuple[str, ...]
