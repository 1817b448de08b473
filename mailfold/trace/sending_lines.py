"""Lines about DKIM keys, relays, secrets of return paths, and the right to send as others."""

from __future__ import annotations

from collections.abc import Iterator

from mailfold.trace.names import Names
from shared.events import return_paths, send_as, sending


def key_added(event: sending.DkimKeyAdded, names: Names) -> Iterator[str]:
    """A domain has a new key."""
    when = "signs at once" if event.signs else "signs when its record is seen in the DNS"
    yield f"new DKIM key {event.selector} ({event.algorithm}) of {names.of(event.domain)}: {when}"


def key_activated(event: sending.DkimKeyActivated, names: Names) -> Iterator[str]:
    """A key signs from now on."""
    instead = f" instead of {', '.join(map(names.of, event.replaced))}" if event.replaced else ""
    yield f"DKIM key {names.of(event.id)} signs mail of {names.of(event.domain)}{instead}"


def key_retired(event: sending.DkimKeyRetired, names: Names) -> Iterator[str]:
    """A key is gone."""
    yield f"DKIM key {event.selector} of {names.of(event.domain)} retired"


def key_resealed(event: sending.DkimKeyResealed, names: Names) -> Iterator[str]:
    """A private key was encrypted again."""
    yield f"private key of {names.of(event.id)} encrypted with another key"


def record_checked(event: sending.DkimRecordChecked, names: Names) -> Iterator[str]:
    """The DNS has a record, or has it no more."""
    state = "published" if event.published else "not published any more"
    yield f"DKIM record of {names.of(event.id)} {state}: {event.answer}"


def relay_set(event: sending.RelaySet, names: Names) -> Iterator[str]:
    """Mail goes through a relay from now on."""
    where = f"{event.host}:{event.port} ({event.tls})" if event.host else "the MX hosts"
    log_in = f", logged in as {event.user}" if event.user else ""
    yield f"mail of {_whose(event.domain, names)} goes to {where}{log_in}; preset {event.preset}"


def relay_removed(event: sending.RelayRemoved, names: Names) -> Iterator[str]:
    """There is no relay any more."""
    yield f"relay of {_whose(event.domain, names)} removed"


def password_resealed(event: sending.RelayPasswordResealed, names: Names) -> Iterator[str]:
    """The password of a relay was encrypted again."""
    yield f"password for the relay of {_whose(event.domain, names)} encrypted with another key"


def return_path_secret_added(event: return_paths.ReturnPathSecretAdded, _names: Names) -> Iterator[str]:
    """There is a new secret."""
    yield f"return paths are written with the secret {event.id} from now on"


def return_path_secret_retired(event: return_paths.ReturnPathSecretRetired, _names: Names) -> Iterator[str]:
    """A secret is gone."""
    yield f"return paths of the secret {event.id} are refused from now on"


def return_path_secret_resealed(event: return_paths.ReturnPathSecretResealed, _names: Names) -> Iterator[str]:
    """A secret was encrypted again."""
    yield f"the secret {event.id} of return paths encrypted with another key"


def _whose(domain: str, names: Names) -> str:
    return names.of(domain) if domain else "all domains without a relay of their own"


def send_as_granted(event: send_as.SendAsGranted, names: Names) -> Iterator[str]:
    """A user may send as an account of another one."""
    yield f"{names.of(event.user)} may send as {names.of(event.account)}"


def send_as_revoked(event: send_as.SendAsRevoked, names: Names) -> Iterator[str]:
    """The right is taken away."""
    yield f"{names.of(event.user)} may not send as {names.of(event.account)} any more"
