"""What the secrets of sending belong to, and how the outbound queue opens them."""

from __future__ import annotations

from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
from shared.secrets.keyring import Keyring
from shared.secrets.sealed import SecretValue


def dkim_key_owner(domain_id: str, key_id: str) -> str:
    """What the private key of a DKIM key belongs to."""
    return f"dkim key {key_id} of domain {domain_id}"


def relay_owner(domain_id: str, host: str, user: str) -> str:
    """What the password of a relay belongs to: it cannot be opened for another host or another user name."""
    return f"relay {host} user {user} of domain {domain_id or 'default'}"


def open_signing_key(keyring: Keyring, key: pb.SendingKey) -> SecretValue:
    """The private key as PEM (PKCS #8). Raises SecretsError."""
    return keyring.open(key.sealed_private_key, dkim_key_owner(key.domain_id, key.id))


def open_relay_password(keyring: Keyring, relay: pb.SendingRelay) -> SecretValue:
    """The password of a relay with a log-in, in UTF-8. Raises SecretsError."""
    return keyring.open(relay.sealed_password, relay_owner(relay.domain_id, relay.host, relay.user))


def scram_secret_owner(secret_id: str) -> str:
    """What the secret belongs to under which the keys of passwords are encrypted."""
    return f"keys of passwords, secret {secret_id}"
