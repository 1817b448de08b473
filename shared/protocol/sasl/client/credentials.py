"""What a client logs in with."""

import msgspec


class ClientCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """A name with a password, or with an OAuth 2 access token. Secrets are never shown.

    ``scram_nonce`` is random printable ASCII without commas, made anew for each session; without it SCRAM is not used.
    ``mechanisms`` limits the choice to these names, in this order; empty: every mechanism that fits, strongest first.
    """

    name: str
    password: str = ""
    token: str = ""
    authzid: str = ""
    scram_nonce: str = ""
    mechanisms: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"ClientCredentials(name={self.name!r}, secrets=***)"
