"""A hostile or broken LDAP server: its answers are bounded, and none of them changes anything or holds the loop."""

from __future__ import annotations

import asyncio
import gc
import threading
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from services.directory.adapters.ldap_directory import LdapDirectory, LdapUnavailable
from services.directory.adapters.ldap_socket import MESSAGE_LIMIT
from services.directory.adapters.passwords import TooManyWaiting
from services.directory.ldap_settings import LdapSettings
from tests.parts.scripted_ldap import SEARCH_REFERENCE, ScriptedLdap, ber, done, entry, message

_PAUSE = threading.Event()
_MB = 1024 * 1024
Open = Callable[..., LdapDirectory]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Makes clients of a server."""
    clients: list[LdapDirectory] = []

    def make(server: ScriptedLdap, **values: object) -> LdapDirectory:
        given = {"url": server.url, "tls": "none", "base": "dc=org", "timeout": 1.0, **values}
        clients.append(LdapDirectory(LdapSettings(**given)))  # type: ignore[arg-type]
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def person(number: bytes, name: str, *addresses: bytes) -> bytes:
    values = {"entryUUID": [f"id-{name}".encode()], "uid": [name.encode()], "mail": addresses}
    return entry(number, f"uid={name},dc=org", values)


def endless_pages(number: bytes, searches: int) -> Iterator[bytes]:
    yield done(number, cookie=b"more")


def endless_entries(number: bytes, searches: int) -> Iterator[bytes]:
    yield person(number, f"p{searches}")
    yield done(number, cookie=b"more")


def endless_answer(number: bytes, searches: int) -> Iterator[bytes]:
    while True:
        yield person(number, "ann", b"x" * _MB)


def drop_by_drop(number: bytes, searches: int) -> Iterator[bytes]:
    yield b"\x30\x84\x00\x10\x00\x00"
    while True:
        yield b"\x00"
        _PAUSE.wait(0.02)


def longest_length(number: bytes, searches: int) -> Iterator[bytes]:
    yield b"\x30\x84\xff\xff\xff\xff" + number


def longer_length(number: bytes, searches: int) -> Iterator[bytes]:
    yield b"\x30\xfe" + b"\xff" * 126


def no_length(number: bytes, searches: int) -> Iterator[bytes]:
    yield b"\x30\x80" + number


def deep(number: bytes, searches: int) -> Iterator[bytes]:
    nested = b""
    for _ in range(20_000):
        nested = ber(0x30, nested)
    yield message(number, ber(0x64, ber(0x04, b"uid=ann"), nested))
    yield done(number)


def garbage(number: bytes, searches: int) -> Iterator[bytes]:
    yield message(number, ber(0x64, b"\xff\xff\xff"))
    yield done(number)


def size_limit(number: bytes, searches: int) -> Iterator[bytes]:
    yield person(number, "ann")
    yield done(number, 4)


def closes(number: bytes, searches: int) -> Iterator[bytes]:
    yield person(number, "ann")
    raise OSError


@pytest.mark.parametrize(
    ("search", "problem"),
    [
        (endless_pages, "no end"),
        (endless_entries, "more than 20 entries"),
        (endless_answer, "octets|too long|timed out"),
        (drop_by_drop, "too long|timed out"),
        (longest_length, "octets"),
        (longer_length, "octets"),
        (no_length, "octets"),
        (deep, "cannot be read|error"),
        (garbage, "cannot be read|error"),
        (size_limit, "sizeLimitExceeded"),
        (closes, "session terminated|error"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
async def test_a_bad_answer_is_no_reading(
    opened: Open, search: Callable[[bytes, int], Iterator[bytes]], problem: str
) -> None:
    with ScriptedLdap(search) as server:
        client = opened(server, most_people=20)
        with pytest.raises(LdapUnavailable, match=problem):
            await client.reading()
        with pytest.raises(LdapUnavailable):
            await client.is_password("id-ann", "secret")


async def test_referrals_are_not_followed(opened: Open) -> None:
    with ScriptedLdap(endless_pages) as elsewhere:
        there = f"{elsewhere.url}/dc=org".encode()

        def referring(number: bytes, searches: int) -> Iterator[bytes]:
            yield message(number, ber(SEARCH_REFERENCE, ber(0x04, there)))
            yield person(number, "ann", b"ann@example.org")
            yield done(number)

        with ScriptedLdap(referring, bind_referral=there) as server:
            client = opened(server)
            assert [known.name for known in (await client.reading()).people] == ["ann"]
            with pytest.raises(LdapUnavailable):
                await client.is_password("id-ann", "secret")
        with (
            ScriptedLdap(lambda number, _: [done(number, 10, referral=there)]) as server,
            pytest.raises(LdapUnavailable, match="referral"),
        ):
            await opened(server).reading()
        assert elsewhere.connections == 0


async def test_what_is_kept_of_large_entries_is_bounded(opened: Open) -> None:
    def large(number: bytes, searches: int) -> Iterator[bytes]:
        yield person(number, "big", b"x" * (10 * _MB), b"big@example.org")
        for place in range(20):
            yield person(number, f"many{place}", *(b"%d@example.org" % address for address in range(10_000)))
        yield done(number)

    with ScriptedLdap(large) as server:
        client = opened(server, timeout=60.0)
        tracemalloc.start()
        people = (await client.reading()).people
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert people[0].addresses == ("big@example.org",)
    assert [len(known.addresses) for known in people[1:]] == 20 * [100]
    assert kept < 2 * _MB
    assert MESSAGE_LIMIT > 10 * _MB


async def test_a_silent_server_holds_neither_the_loop_nor_more_than_some_log_ins(opened: Open) -> None:
    with ScriptedLdap(endless_pages, silent=True) as server:
        client = opened(server, bind_dn="cn=reader", bind_password="secret")
        checks = [asyncio.ensure_future(client.is_password("id-ann", "secret")) for _ in range(201)]
        outcomes = await asyncio.gather(*checks, return_exceptions=True)
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds.count(TooManyWaiting) == 1
    assert kinds.count(LdapUnavailable) == 200


async def test_a_group_with_very_many_members_is_not_followed(opened: Open) -> None:
    members = [b"uid=m%d,dc=org" % number for number in range(10_001)]

    def search(number: bytes, searches: int) -> Iterator[bytes]:
        if searches == 0 and not asked:
            asked.append(number)
            yield person(number, "ann")
        else:
            for name, values in (("huge", {"member": members}), ("part", {"member;range=0-1499": members[:1]})):
                yield entry(
                    number, f"cn={name},dc=org", {"entryUUID": [name.encode()], "cn": [name.encode()], **values}
                )
        yield done(number)

    asked: list[bytes] = []
    with ScriptedLdap(search) as server:
        reading = await opened(server, group_base="dc=org", timeout=60.0).reading()
    assert [(group.name, "more than 10000 members" in group.problem) for group in reading.groups or ()] == [
        ("huge", True),
        ("part", True),
    ]


def moving(names: list[str], members: list[str]) -> Callable[[bytes, int], Iterator[bytes]]:
    """Searches for people and groups in turn: a person has each name in turn, and a group names each member."""

    def search(number: bytes, searches: int) -> Iterator[bytes]:
        if len(names) >= len(members):
            name = names.pop(0)
            values = {"entryUUID": [b"id-ann"], "uid": [name.encode()], "mail": [b"ann@example.org"]}
            yield entry(number, f"uid={name},dc=org", values)
        else:
            member = f"uid={members.pop(0)},dc=org".encode()
            yield entry(number, "cn=sales,dc=org", {"entryUUID": [b"id-s"], "cn": [b"sales"], "member": [member]})
        yield done(number)

    return search


async def test_who_moves_while_groups_are_read_leaves_none(opened: Open) -> None:
    with ScriptedLdap(moving(["ann", "anna"], ["anna", "anna"])) as server:
        reading = await opened(server, group_base="dc=org").reading()
    assert [(group.name, group.members) for group in reading.groups or ()] == [("sales", frozenset({"id-ann"}))]


async def test_groups_that_change_all_the_time_are_no_reading(opened: Open) -> None:
    search = moving(4 * ["ann"], [f"stranger{number}" for number in range(4)])
    with ScriptedLdap(search) as server, pytest.raises(LdapUnavailable, match="change while they are read"):
        await opened(server, group_base="dc=org").reading()
