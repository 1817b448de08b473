"""Events of the directory about the secrets of return paths (SRS, and those of the members of lists).

Their stream is `return-paths`. The secrets are sealed by `shared.secrets`, and they never leave the directory's log.
"""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("return_path.secret_added", secret=("secret",))
class ReturnPathSecretAdded(Event, frozen=True):
    """Return paths are written with this secret from now on; those of earlier secrets stay valid for their age."""

    id: str
    secret: str
    """The sealed secret."""


@stored("return_path.secret_retired")
class ReturnPathSecretRetired(Event, frozen=True):
    """A secret is gone: what was written with it is refused."""

    id: str


@stored("return_path.secret_resealed", secret=("secret",))
class ReturnPathSecretResealed(Event, frozen=True):
    """A secret was encrypted again under another key of secrets."""

    id: str
    secret: str
