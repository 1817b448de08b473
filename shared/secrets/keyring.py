"""The keys of one installation: from the environment variable MAILFOLD_SECRETS_KEY, and from the file `secrets.key`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager

from shared.places import Places
from shared.secrets import SecretKeyMissing, SecretsError
from shared.secrets.key_file import MOST_KEYS, is_open_to_others, parse_keys, read_keys, write_keys
from shared.secrets.sealed import KEY_OCTETS, NONCE_OCTETS, SecretKey, SecretValue, key_id_of
from shared.tls.private_files import locked_folder

VARIABLE = "MAILFOLD_SECRETS_KEY"
"""The environment variable: one key or several, separated by commas or blanks; the first one seals."""


class Keyring:
    """Seals and opens values. Any process of the installation may open them; only the directory seals.

    Keys of the environment precede those of the file. The file is made when the first value is sealed and the
    environment has no key. It is read when it is first needed, and again when a value names an unknown key, because
    another process may have added one.
    """

    def __init__(
        self,
        places: Places,
        environment: Mapping[str, str] = os.environ,
        random_octets: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._file = places.secrets_key
        self._environment = environment
        self._random_octets = random_octets
        self._keys: dict[str, SecretKey] = {}

    def seal(self, value: bytes, belongs_to: str) -> str:
        """Seal a value with the first key, which is made if there is none; reads the disk. Raises SecretsError."""
        return self._first().seal(value, belongs_to, self._random_octets(NONCE_OCTETS))

    def ensure_key(self) -> None:
        """Make the key that seals, if there is none; reads the disk. Raises SecretsError."""
        self._first()

    def open(self, sealed: str, belongs_to: str) -> SecretValue:
        """The value in clear.

        Raises SecretKeyMissing when its key is not there, SecretDamaged when it was changed or belongs to something
        else, SecretsError when the keys cannot be read.
        """
        key_id = key_id_of(sealed)
        if key_id not in self._keys:
            self._read()
        if key_id not in self._keys:
            raise SecretKeyMissing(
                f"the key {key_id} that encrypted the secret of {belongs_to} is not in {self._file}; put it back from "
                f"a backup, or set the secret again"
            )
        return self._keys[key_id].open(sealed, belongs_to)

    def ids(self) -> tuple[str, ...]:
        """The ids of the keys at this moment; the first one seals. Raises SecretsError."""
        return tuple(self._read())

    def has_key_of(self, sealed: str) -> bool:
        """Whether the key that encrypted a value is there. Raises SecretsError."""
        return key_id_of(sealed) in self.ids()

    @property
    def file_name(self) -> str:
        """The path of the key file."""
        return str(self._file)

    @property
    def is_in_environment(self) -> bool:
        """Whether the key that seals comes from the environment."""
        return bool(self._environment.get(VARIABLE, "").strip())

    def add_key(self) -> str:
        """Put a new key before the others of the file, so that it seals from now on; returns its id.

        Raises SecretsError, also when the environment has the key that seals.
        """
        if self.is_in_environment:
            raise SecretsError(f"the first key comes from {VARIABLE}: put a new key before it there")
        with self._locked():
            known = read_keys(self._file)
            if len(known) >= MOST_KEYS:
                raise SecretsError(f"{self._file} has {MOST_KEYS} keys: drop those that are not used first")
            fresh = SecretKey(self._random_octets(KEY_OCTETS))
            write_keys(self._file, (fresh, *known))
        self._read()
        return fresh.id

    def drop_keys(self, ids: Collection[str]) -> tuple[str, ...]:
        """Remove keys from the file; returns the ids of those that were there. Raises SecretsError."""
        with self._locked():
            known = read_keys(self._file)
            dropped = tuple(key.id for key in known if key.id in ids)
            if dropped:
                write_keys(self._file, [key for key in known if key.id not in ids])
        self._read()
        return dropped

    def trouble(self) -> str:
        """Why the keys cannot be used or are not safe; empty when all is well."""
        try:
            self._read()
        except SecretsError as error:
            return str(error)
        return f"other users may read {self._file}: chmod 600 {self._file}" if is_open_to_others(self._file) else ""

    def _first(self) -> SecretKey:
        keys = self._read()
        if not keys:
            with self._locked():
                if not read_keys(self._file):
                    write_keys(self._file, [SecretKey(self._random_octets(KEY_OCTETS))])
            keys = self._read()
        return next(iter(keys.values()))

    def _read(self) -> dict[str, SecretKey]:
        texts = [text for text in re.split(r"[\s,]+", self._environment.get(VARIABLE, "")) if text]
        keys = (*parse_keys(texts, VARIABLE), *read_keys(self._file))
        self._keys = {key.id: key for key in keys}
        return self._keys

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from changing the file. Raises SecretsError."""
        try:
            with locked_folder(self._file.parent):
                yield
        except OSError as error:
            raise SecretsError(f"{self._file.parent} cannot be used: {error.strerror}") from error

    def __repr__(self) -> str:
        return f"Keyring({self._file})"
