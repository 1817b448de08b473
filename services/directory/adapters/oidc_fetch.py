"""Fetches a JSON document of an OpenID Connect issuer over HTTPS: no redirects, with limits of time and size."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import orjson

from services.directory.domain.oidc_claims import IssuerUnavailable

MOST_OCTETS = 256 * 1024
_PIECE = 16 * 1024
_HTTPS_PORT = 443


class IssuerDocuments:
    """Fetches documents, each on a connection of its own."""

    def __init__(self, context: ssl.SSLContext, seconds: float) -> None:
        self._context = context
        self._seconds = seconds

    async def fetch(self, url: str) -> Any:
        """The document at a URL. Raises IssuerUnavailable."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise IssuerUnavailable(f"{url} is not https")
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port or _HTTPS_PORT, timeout=self._seconds, context=self._context
        )
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            async with asyncio.timeout(self._seconds):
                return orjson.loads(await asyncio.to_thread(_get, connection, path, self._seconds))
        except (OSError, http.client.HTTPException, TimeoutError, ValueError) as error:
            raise IssuerUnavailable(f"{url}: {error or type(error).__name__}") from error
        finally:
            _close(connection)


def _get(connection: http.client.HTTPSConnection, path: str, seconds: float) -> bytes:
    end = time.monotonic() + seconds
    connection.request("GET", path, headers={"Accept": "application/json", "Connection": "close"})
    answer = connection.getresponse()
    if answer.status != http.client.OK:
        raise http.client.HTTPException(f"the answer has the status {answer.status}; redirects are not followed")
    body = bytearray()
    while piece := answer.read1(_PIECE):
        body += piece
        if len(body) > MOST_OCTETS:
            raise http.client.HTTPException(f"the document is longer than {MOST_OCTETS} octets")
        if time.monotonic() > end:
            raise TimeoutError
    return bytes(body)


def _close(connection: http.client.HTTPSConnection) -> None:
    """Close, so that a thread which still waits for the issuer ends as well."""
    opened = connection.sock
    if opened is not None:
        with contextlib.suppress(OSError):
            opened.shutdown(socket.SHUT_RDWR)
    connection.close()
