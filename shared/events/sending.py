"""Events of the directory about sending: the DKIM keys of domains, and relays.

Their streams are `domain:<id>` and `relay:<domain id>`, for the default relay `relay:`. Private keys and passwords are
sealed by `shared.secrets`, and they never leave the directory's log.
"""

from __future__ import annotations

from shared.eventstore.event import Event, stored


@stored("dkim.key_added", secret=("private_key",))
class DkimKeyAdded(Event, frozen=True):
    """A domain has a new DKIM key. It signs at once only when the domain had none of its kind."""

    id: str
    domain: str
    """The id of the domain."""
    selector: str
    algorithm: str
    """`rsa-sha256` or `ed25519-sha256` (RFC 6376 §3.3, RFC 8463 §3)."""
    record: str
    """The text of the TXT record."""
    private_key: str
    """The sealed PEM."""
    signs: bool = False


@stored("dkim.record_checked")
class DkimRecordChecked(Event, frozen=True):
    """The DNS has the record of a key, or has it no more. It is written only when this changes."""

    id: str
    domain: str
    published: bool
    answer: str
    """What was seen, and where."""


@stored("dkim.key_activated")
class DkimKeyActivated(Event, frozen=True):
    """A key signs from now on, and the replaced ones sign no more; their records stay in the DNS."""

    id: str
    domain: str
    replaced: tuple[str, ...] = ()


@stored("dkim.key_retired")
class DkimKeyRetired(Event, frozen=True):
    """A key is gone. Its record may be removed from the DNS."""

    id: str
    domain: str
    selector: str


@stored("dkim.key_resealed", secret=("private_key",))
class DkimKeyResealed(Event, frozen=True):
    """A private key was encrypted again under another key of secrets."""

    id: str
    domain: str
    private_key: str


@stored("relay.set", secret=("password",))
class RelaySet(Event, frozen=True):
    """Mail of a domain goes through this relay; with an empty domain, mail of every domain without one of its own.

    Empty and zero properties are those of the preset.
    """

    domain: str
    """The id of the domain; empty for the default relay."""
    preset: str
    host: str
    """Empty with the preset `direct`: mail goes to the MX hosts."""
    port: int
    tls: str
    user: str = ""
    password: str = ""
    """The sealed password."""
    signatures: str = ""
    connections: int = 0
    messages_per_minute: int = 0
    recipients_per_message: int = 0
    accepts_null_reverse_path: bool | None = None


@stored("relay.removed")
class RelayRemoved(Event, frozen=True):
    """A domain, or with an empty domain the server, has no relay of its own any more."""

    domain: str


@stored("relay.password_resealed", secret=("password",))
class RelayPasswordResealed(Event, frozen=True):
    """The password of a relay was encrypted again under another key of secrets."""

    domain: str
    password: str
