"""Secrets at rest: values that are stored encrypted, the keys that encrypt them, and the errors of their use."""


class SecretsError(Exception):
    """A secret cannot be used until the operator corrects the keys. The text contains no secret."""


class SecretKeyMissing(SecretsError):
    """There is no key, or not the one that sealed the value."""


class SecretDamaged(SecretsError):
    """The sealed value was changed, or belongs to something else."""
