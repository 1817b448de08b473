"""A name server for the resolver's tests, on UDP and TCP of one local port, which can be made to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Reply = Callable[[dns.message.Message, bytes], list[bytes]]
"""From a parsed query and its octets to the datagrams of the answer."""


class LocalNameServer(asyncio.DatagramProtocol):
    """Answers from `records`, unless `reply` changes the answer."""

    def __init__(self, records: dict[tuple[str, str], list[str]]) -> None:
        self.records = records
        self.queries: Counter[tuple[str, str]] = Counter()
        self.ports: set[int] = set()
        self.was_asked = asyncio.Event()
        self.tcp_queries = 0
        self.tcp_open = 0
        self.tcp_most_open = 0
        self.tcp_answers = asyncio.Event()
        self.tcp_answers.set()
        self.ids: list[int] = []
        self.silent: Callable[[str], bool] = lambda name: False
        self.spoil: Reply | None = None
        self.delay = 0.0
        self.port = 0
        self._transport: asyncio.DatagramTransport
        self._tcp: asyncio.Server

    async def start(self) -> None:
        """Listen for UDP and TCP on one port; when TCP has no such port free, another one is tried."""
        expected, tries = self.port, 1 if self.port else 20
        for left in reversed(range(tries)):
            try:
                await self._listen(expected)
                return
            except OSError:
                if not left:
                    raise

    async def _listen(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))
        self.port = self._transport.get_extra_info("sockname")[1]
        try:
            self._tcp = await asyncio.start_server(self._on_connection, "127.0.0.1", self.port)
        except OSError:
            self._transport.close()
            raise

    async def stop(self) -> None:
        self._transport.close()
        self._tcp.close()
        await asyncio.sleep(0)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text(omit_final_dot=True)
        self.queries[name, dns.rdatatype.to_text(query.question[0].rdtype)] += 1
        self.ports.add(addr[1])
        self.ids.append(query.id)
        self.was_asked.set()
        if self.silent(name):
            return
        datagrams = self.spoil(query, data) if self.spoil else [self.answer(query).to_wire()]
        for datagram in datagrams:
            asyncio.get_running_loop().call_later(self.delay, self._transport.sendto, datagram, addr)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        name = query.question[0].name
        for _ in range(20):
            result = self._rrset(name, dns.rdatatype.to_text(query.question[0].rdtype))
            alias = self._rrset(name, "CNAME")
            response.answer += [rrset for rrset in (result or alias,) if rrset]
            if result or not alias:
                break
            name = alias[0].target
        if not response.answer:
            exists = any(owner == name.to_text(omit_final_dot=True).lower() for owner, _ in self.records)
            response.set_rcode(dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN)
            response.authority.append(
                dns.rrset.from_text("example.", 120, "IN", "SOA", "ns.example. h.example. 1 2 3 4 60")
            )
        return response

    def _rrset(self, name: dns.name.Name, rdtype: str) -> dns.rrset.RRset | None:
        texts = self.records.get((name.to_text(omit_final_dot=True).lower(), rdtype))
        return dns.rrset.from_text_list(name, 300, "IN", rdtype, texts) if texts else None

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2))
        query = dns.message.from_wire(await reader.readexactly(length))
        self.tcp_queries += 1
        self.tcp_open += 1
        self.tcp_most_open = max(self.tcp_most_open, self.tcp_open)
        await self.tcp_answers.wait()
        self.tcp_open -= 1
        wire = self.answer(query).to_wire(max_size=65535)
        writer.write(len(wire).to_bytes(2) + wire)
        await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def local_name_server(records: dict[tuple[str, str], list[str]] | None = None) -> AsyncIterator[LocalNameServer]:
    server = LocalNameServer(records or {})
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
