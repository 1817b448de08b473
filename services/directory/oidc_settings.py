"""Settings of an OpenID Connect issuer whose tokens open accounts (OAUTHBEARER, XOAUTH2)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from shared.settings import Section

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class OidcSettings(Section, frozen=True):
    """An OpenID Connect issuer. Its access tokens open accounts here, in IMAP, POP3, ManageSieve and submission."""

    issuer: Annotated[
        str,
        Meta(
            description="The issuer, exactly as its tokens name it (`iss`), such as https://login.example.org; empty: "
            "no tokens are taken.",
            pattern=r"^(https://[^\s?#]+)?$",
        ),
    ] = ""
    keys_url: Annotated[
        str,
        Meta(
            description="Where its keys are (JWKS, RFC 7517); empty: its discovery document says so.",
            pattern=r"^(https://\S+)?$",
        ),
    ] = ""
    audience: Annotated[
        str,
        Meta(
            description="What tokens must name as audience (`aud`), such as the client id of mail here. Demanded: "
            "without it no tokens are taken, and a token for another application opens nothing."
        ),
    ] = ""
    clients: Annotated[
        tuple[str, ...],
        Meta(
            description="Client ids to which tokens may be issued (`azp`, else `client_id`), comma-separated; none: "
            "every client, and with several audiences only the one in `oidc.audience`."
        ),
    ] = ()
    scope: Annotated[str, Meta(description="A scope that tokens must have, such as mail; empty: none.")] = ""
    claim: Annotated[
        str,
        Meta(
            description="The claim with the address of the account. Of `email` only verified addresses count; a name "
            "that users choose for themselves, such as preferred_username, is not taken.",
            pattern=r"^(?!(preferred_username|nickname|name)$)\S+$",
        ),
    ] = "email"
    algorithms: Annotated[
        tuple[Algorithm, ...], Meta(description="Signatures that are accepted, comma-separated.", min_length=1)
    ] = ("RS256", "PS256", "ES256", "EdDSA")
    clock_skew: Annotated[
        int, Meta(description="Seconds by which the issuer's clock may differ from ours.", ge=0, le=300)
    ] = 30
    ca_file: Annotated[
        str, Meta(description="File with the authorities that its certificate may come from; empty: the system's.")
    ] = ""
    timeout: Annotated[
        float, Meta(description="Seconds for the issuer to answer a question about its keys.", ge=1, le=60)
    ] = 10.0
    keys_seconds: Annotated[
        int,
        Meta(
            description="Seconds after which its keys are fetched again. They are also fetched, at most once a minute, "
            "when a token names a key that is not known.",
            ge=60,
            le=86_400,
        ),
    ] = 3600
