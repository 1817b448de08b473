"""Lines about the keys of passwords, and the mechanisms on offer."""

from __future__ import annotations

from collections.abc import Iterator

from mailfold.trace.names import Names
from shared.events import verifiers


def secret_made(event: verifiers.ScramSecretMade, _names: Names) -> Iterator[str]:
    """There is a secret for the keys of passwords."""
    yield f"keys of passwords are encrypted under the secret {event.id} from now on"


def secret_resealed(event: verifiers.ScramSecretResealed, _names: Names) -> Iterator[str]:
    """The secret is encrypted with another key of secrets."""
    yield f"the secret {event.id} of the keys of passwords was encrypted with a new key"


def salt_chosen(event: verifiers.ScramSaltChosen, names: Names) -> Iterator[str]:
    """The passwords of a user or of an application have a salt."""
    yield f"passwords of {names.of(event.owner)} have a salt for SCRAM ({event.iterations} iterations)"


def keys_made(event: verifiers.ScramKeysMade, names: Names) -> Iterator[str]:
    """A password has keys."""
    which = "the password" if event.credential == event.owner else f"the app password {names.of(event.credential)}"
    yield f"{which} of {names.of(event.owner)} may be used with SCRAM"


def offered(event: verifiers.MechanismsOffered, _names: Names) -> Iterator[str]:
    """Other mechanisms are announced."""
    yield f"mechanisms announced besides PLAIN and LOGIN: {', '.join(event.names) or 'none'}"
