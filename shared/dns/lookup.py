"""Gets one answer from several name servers within a limited time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator

from shared.dns.channel import Sent
from shared.dns.rdata import WireError
from shared.dns.server import NameServer
from shared.dns.settings import ResolverSettings
from shared.dns.wire import (
    FORMAT_ERROR,
    NOT_IMPLEMENTED,
    Response,
    belongs,
    decode_response,
    encode_query,
    question_section,
)
from shared.protocol.dns.question import Answer, Question

_SHARES = (0.15, 0.25, 0.6)
"""How the time is divided among the repeats: a lost datagram costs little time, and the last repeats wait for slow
answers."""
_ALIVE = Question("invalid", "A")
"""A name that any name server answers by itself, because it is reserved (RFC 2606)."""


class Lookup:
    """One question while it is being asked. `run()` may be called once."""

    def __init__(
        self,
        question: Question,
        servers: list[NameServer],
        settings: ResolverSettings,
        gate: asyncio.Semaphore,
        connections: asyncio.Semaphore,
    ) -> None:
        """Prepare a question.

        `gate` limits the number of new queries on the network, so that a burst does not overflow the socket of a name
        server. `connections` limits the number of TCP connections.
        """
        self._question = question
        self._servers = servers
        self._settings = settings
        self._gate = gate
        self._connections = connections
        self._sent: list[Sent] = []
        self._asked: dict[NameServer, int] = {}
        """The servers that were asked, each with its number of responses at that time."""
        self._unwilling: set[NameServer] = set()
        """The servers that responded without an answer to the question."""
        self._response: asyncio.Future[tuple[NameServer, bytes | None]] = asyncio.get_running_loop().create_future()
        self.queries = 0
        self.tcp_queries = 0
        self.timed_out = False

    async def run(self) -> Answer:
        """Ask, and return the answer; temperror when none comes in time. Never raises."""
        try:
            return await self._run()
        finally:
            for sent in self._sent:
                sent.forget()
            for server in self._asked:
                server.release_probe()

    async def _run(self) -> Answer:
        candidates = self._candidates()
        # released after the first short wait, so that names without an answer do not block others
        async with self._gate:
            last = await self._try(candidates, _SHARES[0])
        for share in _SHARES[1:]:
            if last is not None and last.status != "temperror":
                break
            last = await self._try(candidates, share) or last
        return last or self._silence()

    async def _try(self, candidates: Iterator[NameServer], share: float) -> Answer | None:
        server = next(candidates, None)
        if server is None:
            return None
        self._send(server)
        return await self._wait(share * self._settings.timeout)

    def _candidates(self) -> Iterator[NameServer]:
        """The servers worth asking, in order, starting again when all have been asked."""
        while True:
            turn = [server for server in self._servers if server in self._asked or server.is_worth_asking()]
            if not turn or self._unwilling.issuperset(turn):
                return
            yield from (server for server in turn if server not in self._unwilling)

    def _send(self, server: NameServer) -> None:
        query = encode_query(self._question, self._settings.udp_payload if server.has_edns else 0)
        self._asked.setdefault(server, server.heard)
        self.queries += 1
        try:
            self._sent.append(
                server.send(query, question_section(query), lambda message: self._on_message(server, message))
            )
            if len(self._sent) > 1 and server.heard == self._asked[server]:
                self._ask_whether_alive(server)
        except OSError:
            self._on_message(server, None)

    def _ask_whether_alive(self, server: NameServer) -> None:
        """Ask a silent server for the reserved name.

        The server may be up and only wait for another server; its answer to this question shows the difference.
        """
        query = encode_query(_ALIVE, 0)
        self._sent.append(server.send(query, question_section(query), lambda message: None))

    def _on_message(self, server: NameServer, message: bytes | None) -> None:
        if not self._response.done():
            self._response.set_result((server, message))

    async def _wait(self, seconds: float) -> Answer | None:
        """The answer that arrives within this time; None for silence or a refused socket."""
        if not self._response.done():
            await asyncio.wait((self._response,), timeout=seconds)
        if not self._response.done():
            return None
        server, message = self._response.result()
        self._response = asyncio.get_running_loop().create_future()
        if message is None:
            return None
        self._unwilling.add(server)
        return await self._read(server, message)

    async def _read(self, server: NameServer, message: bytes) -> Answer:
        try:
            response = self._decode(server, message)
            if response.truncated:
                return await self._by_tcp(server)
            if response.rcode in (FORMAT_ERROR, NOT_IMPLEMENTED) and server.has_edns:
                server.note_no_edns()  # RFC 6891 §7: the next repeat is sent without EDNS
                self._unwilling.discard(server)
            return response.answer
        except WireError as error:
            return Answer("temperror", source=f"{server.name}: {error}")

    def _decode(self, server: NameServer, message: bytes) -> Response:
        query = encode_query(self._question, 0)
        return decode_response(message, self._question, len(question_section(query)), server.name)

    async def _by_tcp(self, server: NameServer) -> Answer:
        query = secrets.token_bytes(2) + encode_query(self._question, self._settings.udp_payload)
        self.tcp_queries += 1
        try:
            async with asyncio.timeout(self._settings.timeout), self._connections:
                message = await server.ask_tcp(query)
        except (OSError, EOFError, TimeoutError) as error:
            return Answer("temperror", source=f"{server.name}: truncated, and TCP gave {type(error).__name__}")
        if message[:2] != query[:2] or not belongs(message, question_section(query[2:])):
            raise WireError("not the response to the question")
        return self._decode(server, message).answer

    def _silence(self) -> Answer:
        if not self._asked:
            return Answer("temperror", source="name servers are down")
        self.timed_out = True
        for server, heard_before in self._asked.items():
            server.note_silence(heard_before)
        return Answer("temperror", source=f"no response from {', '.join(server.name for server in self._asked)}")
