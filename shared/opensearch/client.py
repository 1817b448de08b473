"""The one client of OpenSearch in a process: made, used and closed in the one event loop.

The library is imported when a client is made, so a process without OpenSearch does not load it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from shared.opensearch.errors import OpenSearchMissing, OpenSearchUnavailable, error_of, no_answer
from shared.opensearch.settings import OpenSearchSettings

if TYPE_CHECKING:
    from opensearchpy import AsyncOpenSearch

_NO_TLS = "http://"


class OpenSearchClient:
    """Sends requests. Open it with `open` in the loop that uses it, and close it there."""

    def __init__(self, settings: OpenSearchSettings) -> None:
        self.settings = settings
        self._client: AsyncOpenSearch | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Make the client for the running loop; the first request connects. Raises OSError for a bad CA file."""
        self._loop = asyncio.get_running_loop()
        self._client = _made(self.settings)

    async def close(self) -> None:
        """Close every connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> Any:
        """The decoded answer; `seconds` replaces the limit for searches. Raises OpenSearchError.

        A body of octets is sent as it is, which bulk requests need.
        """
        from opensearchpy.exceptions import ConnectionError as NoConnection
        from opensearchpy.exceptions import OpenSearchException, SerializationError, TransportError

        transport = self._usable().transport
        sent = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        headers = {"content-type": "application/x-ndjson" if isinstance(body, bytes) else "application/json"}
        limit = {"request_timeout": seconds or self.settings.search_seconds}
        try:
            return await transport.perform_request(method, path, {**(params or {}), **limit}, sent, headers=headers)
        except NoConnection as error:
            raise no_answer(error) from error
        except TransportError as error:
            raise error_of(int(error.status_code), error.info) from error
        except (SerializationError, OpenSearchException) as error:
            raise OpenSearchUnavailable(f"what answers is not OpenSearch: {error!r}"[:300]) from error

    async def exists(self, path: str) -> bool:
        """Whether something exists. Raises OpenSearchUnavailable."""
        try:
            await self.request("GET", path)
        except OpenSearchMissing:
            return False
        return True

    def name(self, *parts: str) -> str:
        """The name of an index, data stream or template of this installation."""
        return "-".join((self.settings.prefix, *parts))

    def _usable(self) -> AsyncOpenSearch:
        if self._client is None:
            raise OpenSearchUnavailable("the client of OpenSearch is closed")
        if not self.settings.urls:
            raise OpenSearchUnavailable("opensearch.urls names no server")
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError("a client of OpenSearch is used in the loop that made it")
        return self._client


def _made(settings: OpenSearchSettings) -> AsyncOpenSearch:
    from opensearchpy import AsyncOpenSearch

    # Errors are reported by whoever sends the request; the library would write them, with bodies, to standard error.
    logging.getLogger("opensearch").setLevel(logging.CRITICAL)
    tls = {} if all(url.startswith(_NO_TLS) for url in settings.urls) else {"ssl_context": _context(settings)}
    return AsyncOpenSearch(
        hosts=list(settings.urls),
        http_auth=(settings.user, settings.password) if settings.user else None,
        maxsize=settings.connections,
        # Another node is tried when a node does not answer; what a node has answered is judged by our own table.
        max_retries=len(settings.urls) - 1,
        retry_on_status=(),
        serializer=_json(),
        **tls,
    )


def _context(settings: OpenSearchSettings) -> Any:
    import ssl

    return ssl.create_default_context(cafile=settings.ca_file or None)


def _json() -> Any:
    from opensearchpy.exceptions import SerializationError
    from opensearchpy.serializer import JSONSerializer

    class Orjson(JSONSerializer):
        """Reads answers with orjson, which holds the loop a fifth as long as the library's own reader."""

        def loads(self, s: str) -> Any:
            try:
                return orjson.loads(s)
            except orjson.JSONDecodeError as error:
                raise SerializationError(s[:100], error) from error

    return Orjson()
