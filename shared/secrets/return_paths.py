"""What the secrets of return paths belong to, and how the services that write and read return paths open them."""

from __future__ import annotations

from shared.rpc.mailfold.directory.v1 import returnpaths_pb2 as pb
from shared.secrets.keyring import Keyring
from shared.secrets.sealed import SecretValue


def return_path_owner(secret_id: str) -> str:
    """What a secret belongs to."""
    return f"return paths, secret {secret_id}"


def open_return_path_secret(keyring: Keyring, secret: pb.SealedReturnPathSecret) -> SecretValue:
    """The secret in clear. Raises SecretsError."""
    return keyring.open(secret.sealed_secret, return_path_owner(secret.id))
