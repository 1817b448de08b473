"""Where OpenSearch is, and how long a request may take."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from shared.settings import Section

_SECRET = {"secret": True}


class OpenSearchSettings(Section, frozen=True, kw_only=True):
    """How every service reaches OpenSearch."""

    urls: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses of OpenSearch's nodes, http:// or https://, comma-separated. Empty: there is no "
            "OpenSearch, and every index is embedded."
        ),
    ] = ()
    user: Annotated[str, Meta(description="User name at OpenSearch; empty where it asks for none.")] = ""
    password: Annotated[str, Meta(description="Password at OpenSearch.", extra=_SECRET)] = ""
    ca_file: Annotated[
        str, Meta(description="Certificate authority (PEM file) of https:// nodes; empty: the system's.")
    ] = ""
    prefix: Annotated[
        str,
        Meta(
            description="Beginning of the names of all indices, so that several installations can share a cluster.",
            pattern=r"^[a-z0-9][a-z0-9_-]*$",
            max_length=60,
        ),
    ] = "mailfold"
    replicas: Annotated[
        int,
        Meta(description="Copies of each index on other nodes. A cluster of one node has room for none.", ge=0, le=9),
    ] = 0
    connections: Annotated[int, Meta(description="Connections of a process to each node.", ge=1, le=100)] = 8
    search_seconds: Annotated[float, Meta(description="Seconds after which a search is given up.", ge=0.1, le=300)] = (
        10.0
    )
    write_seconds: Annotated[
        float, Meta(description="Seconds after which a write is given up and repeated.", ge=1, le=600)
    ] = 60.0
    bulk_octets: Annotated[
        int,
        Meta(
            description="Octets of one bulk request; OpenSearch refuses more than its http.max_content_length.",
            ge=65_536,
            le=67_108_864,
        ),
    ] = 4_194_304

    def __repr__(self) -> str:
        """The settings without the password, because settings are logged."""
        return f"OpenSearchSettings(urls={self.urls!r}, user={self.user!r}, prefix={self.prefix!r})"
