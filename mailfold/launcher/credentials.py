"""One random secret for each service and for the operator, in a file that only its owner reads."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import orjson

from shared.places import Places
from shared.tls.private_files import write_private

_OCTETS = 32


def ensure_credentials(places: Places, names: Iterable[str]) -> None:
    """Make the secrets that are missing; those that are there stay."""
    known = read_credentials(places)
    missing = {name: secrets.token_urlsafe(_OCTETS) for name in names if name not in known}
    if missing:
        write_private(places.credentials, orjson.dumps(known | missing))


def read_credentials(places: Places) -> dict[str, str]:
    """Name → secret; empty before the first start."""
    if not places.credentials.exists():
        return {}
    found: dict[str, str] = orjson.loads(places.credentials.read_bytes())
    return found
