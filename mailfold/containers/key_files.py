"""The files with passwords and tokens, each in a folder that only the containers that need it can see.

The first set-up makes them. Later ones keep what is there and add what is missing, so that a repeated set-up, or one of
a newer release with one service more, stops nobody.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from mailfold.launcher.credentials import new_token, parts_of
from mailfold.layouts import CONTAINERS, LAYOUTS, START_ORDER
from shared.bus.nats_server import container_configuration
from shared.grpc.credentials import CallTokens
from shared.tls.private_files import write_private

T = TypeVar("T")
KEYS = Path("/run/mailfold")
"""The folder in which each container sees its part of the files."""
_PASSWORD_OCTETS = 32
_READABLE_TO_ALL = 0o444
_NAME = "mailfold"
"""The name of the user at the bus and at PostgreSQL, and of the database."""


class Surroundings(NamedTuple):
    """The servers beside the services, by the names under which containers reach them."""

    postgres: str = "postgres:5432"
    nats_store: str = "/data"
    """The folder of JetStream in the container of the bus."""
    nats_monitor: int = 8222


def credentials_file(keys: Path, service: str) -> Path:
    """The file with the tokens of one service."""
    return keys / service / "credentials.json"


def make_key_files(keys: Path, around: Surroundings, *, renew_tokens: bool = False) -> list[Path]:
    """Make the files that are missing or out of date; returns those that were written. Raises OSError."""
    known = {} if renew_tokens else _known_tokens(keys)
    operator_file = keys / "operator" / "operator.json"
    operator = {} if renew_tokens else _read(operator_file, dict[str, str]) or {}
    operator = {service: operator.get(service) or new_token() for service in START_ORDER}
    database, bus = _password(keys / "postgres" / "password"), _password(keys / "bus" / "password")
    nats = container_configuration(_NAME, bus, around.nats_store, around.nats_monitor)
    contents = {
        operator_file: msgspec.json.encode(operator, order="sorted"),
        keys / "postgres" / "password": database.encode(),
        keys / "store" / "url": f"postgresql://{_NAME}:{database}@{around.postgres}/{_NAME}".encode(),
        keys / "bus" / "password": bus.encode(),
        keys / "nats" / "nats.conf": nats.encode(),
        **{
            credentials_file(keys, service): msgspec.json.encode(part, order="sorted")
            for service, part in parts_of(LAYOUTS[CONTAINERS], operator, new_token, known).items()
        },
    }
    written = [file for file, content in contents.items() if _write(file, content)]
    # PostgreSQL runs as a user of its own image; only its container and the set-up see the folder.
    (keys / "postgres" / "password").chmod(_READABLE_TO_ALL)
    return written


def _known_tokens(keys: Path) -> dict[tuple[str, str], str]:
    """The tokens that services show, by caller and service."""
    tokens: dict[tuple[str, str], str] = {}
    for service in START_ORDER:
        part = _read(credentials_file(keys, service), CallTokens) or CallTokens()
        tokens |= {(caller, called): token for caller, shown in part.tokens.items() for called, token in shown.items()}
    return tokens


def _read(file: Path, kind: type[T]) -> T | None:
    """The content of a file; None when it is missing or damaged, so that it is made anew."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _password(file: Path) -> str:
    """The password in a file, or a new one."""
    return (file.read_text("ascii").strip() if file.exists() else "") or secrets.token_urlsafe(_PASSWORD_OCTETS)


def _write(file: Path, content: bytes) -> bool:
    """Write a file unless it has this content already."""
    if file.exists() and file.read_bytes() == content:
        return False
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(file, content)
    return True
