"""The file with the keys of secrets: a line for each key, the first one seals. Only the server's user may read it."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

from shared.secrets import SecretsError
from shared.secrets.sealed import SecretKey, read_key
from shared.tls.private_files import write_private

MOST_KEYS = 32
_MOST_OCTETS = 64 * 1024
_HEAD = "# Keys of Mailfold's secrets: the first one encrypts, all decrypt. Without them the secrets are lost.\n"


def read_keys(path: Path) -> tuple[SecretKey, ...]:
    """The keys of the file; none when there is no file. Raises SecretsError when it cannot be used."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_OCTETS + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise SecretsError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > _MOST_OCTETS:
        raise SecretsError(f"{path} is too large to be a file of keys")
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
    return parse_keys([line for line in lines if line and not line.startswith("#")], str(path))


def parse_keys(texts: Sequence[str], source: str) -> tuple[SecretKey, ...]:
    """Keys from texts. Raises SecretsError that names the source and the number of the text, never the text."""
    if len(texts) > MOST_KEYS:
        raise SecretsError(f"{source} has more than {MOST_KEYS} keys")
    keys: dict[str, SecretKey] = {}
    for number, text in enumerate(texts, 1):
        try:
            key = read_key(text)
        except ValueError as error:
            raise SecretsError(
                f"key {number} of {source} cannot be used: {error}; `openssl rand -base64 32` makes a key"
            ) from None
        keys.setdefault(key.id, key)
    return tuple(keys.values())


def write_keys(path: Path, keys: Sequence[SecretKey]) -> None:
    """Replace the file, atomically and durably, with mode 0600. Raises SecretsError."""
    try:
        write_private(path, (_HEAD + "".join(f"{key.text()}\n" for key in keys)).encode())
    except OSError as error:
        raise SecretsError(f"{path} cannot be written: {error.strerror}") from error


def is_open_to_others(path: Path) -> bool:
    """Whether other users may read the file."""
    try:
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False
