"""The number of connections of a listener and of each client, and which connection is replaced in a flood."""

from __future__ import annotations

from itertools import count

from shared.network.connection_table import ConnectionLimits, ConnectionRefusal, ConnectionTable, Entry

_FLOOD, _HONEST = "2001:db8:bad:", "192.0.2.1"
_numbers = count()


def table(total: int = 100, per_network: int = 100, handshakes: int = 100) -> ConnectionTable[int]:
    return ConnectionTable(ConnectionLimits(total, per_network, handshakes))


def enter(
    connections: ConnectionTable[int], address: str, room: int = 1000, now: float = 0.0
) -> tuple[int, Entry[int]]:
    number = next(_numbers)
    return number, connections.enter(number, address, room, now)


def proven(connections: ConnectionTable[int], address: str) -> int:
    number, entry = enter(connections, address)
    assert entry == Entry()
    connections.prove(number)
    return number


def test_connections_are_counted_by_address_and_in_all() -> None:
    connections = table(total=3, per_network=2)
    numbers = [proven(connections, "192.0.2.1") for _ in range(2)]
    assert enter(connections, "192.0.2.1")[1].refusal is ConnectionRefusal.NETWORK
    proven(connections, "192.0.2.2")
    assert enter(connections, "192.0.2.3")[1].refusal is ConnectionRefusal.LISTENER
    connections.leave(numbers[0])
    assert enter(connections, "192.0.2.3")[1].refusal is None
    assert len(connections) == 3


def test_one_ipv6_subscriber_is_one_client() -> None:
    """All addresses of one /64 together may have as many connections as an IPv4 address, in any spelling."""
    connections = table(per_network=50)
    taken = [enter(connections, f"{_FLOOD}:{number:x}")[1].refusal is None for number in range(1, 1000)]
    assert sum(taken) == 50
    assert enter(connections, "2001:db8:bad:1::1")[1].refusal is None


def test_ipv4_in_ipv6_is_the_same_client() -> None:
    connections = table(per_network=1)
    assert enter(connections, "192.0.2.1")[1].refusal is None
    assert enter(connections, "::ffff:192.0.2.1")[1].refusal is ConnectionRefusal.NETWORK


def test_loopback_is_many_people_but_not_without_end() -> None:
    connections = table(total=5, per_network=2)
    for _ in range(5):
        proven(connections, "127.0.0.1")
    assert enter(connections, "127.0.0.1")[1].refusal is ConnectionRefusal.LISTENER


def test_silent_connections_keep_nobody_out() -> None:
    """A thousand silent connections of one client.

    A logged-in client is never disconnected, and a client of another network always gets in and stays while the flood
    continues.
    """
    connections = table(total=20, per_network=1000)
    stays = proven(connections, _HONEST)
    refused = [enter(connections, "198.51.100.1")[1].refusal for _ in range(1000)]
    assert refused == [None] * 19 + [ConnectionRefusal.LISTENER] * 981
    newcomer, entry = enter(connections, "192.0.2.2")
    assert entry.refusal is None
    for number in range(1000):  # over a hundred seconds
        assert enter(connections, "198.51.100.1", now=number / 10)[1].displaced != newcomer
    assert newcomer in connections
    assert stays in connections
    assert len(connections) == 20


def test_who_is_silent_for_a_while_makes_room_for_anybody() -> None:
    """Thirty clients have a silent connection each, and one more connects: no client has more than its share."""
    connections = table(total=30)
    for number in range(30):
        enter(connections, f"192.0.2.{number}", now=number / 10)
    assert enter(connections, "198.51.100.1", now=4.9)[1].refusal is ConnectionRefusal.LISTENER
    assert enter(connections, "198.51.100.1", now=5.0)[1].refusal is None
    assert enter(connections, "198.51.100.1", now=5.0)[1].refusal is ConnectionRefusal.LISTENER


def test_the_oldest_of_the_network_with_the_most_goes() -> None:
    connections = table(total=4)
    first, _ = enter(connections, "192.0.2.1")
    many = [enter(connections, "192.0.2.2")[0] for _ in range(3)]
    assert enter(connections, "192.0.2.3")[1].displaced == many[0]
    assert first in connections


def test_nobody_who_has_just_come_goes_for_an_equal() -> None:
    connections = table(total=2)
    enter(connections, "192.0.2.1")
    enter(connections, "192.0.2.2")
    assert enter(connections, "192.0.2.3")[1] == Entry(refusal=ConnectionRefusal.LISTENER)


def test_descriptors_bound_a_listener_below_its_settings() -> None:
    connections = table(total=100)
    for _ in range(30):
        enter(connections, "192.0.2.1", room=10)
    assert len(connections) == 10


def test_when_all_have_shown_what_they_are_for_a_newcomer_is_refused() -> None:
    connections = table(total=2)
    for _ in range(2):
        proven(connections, "192.0.2.1")
    assert enter(connections, "192.0.2.2")[1] == Entry(refusal=ConnectionRefusal.LISTENER)


def test_handshakes_are_bounded_and_the_largest_network_pays() -> None:
    connections = table(handshakes=3)
    flood = [enter(connections, "198.51.100.1")[0] for _ in range(50)]
    assert [connections.begin_handshake(number, 0.0) for number in flood] == [None, None, None, *flood[3:]]
    honest, _ = enter(connections, _HONEST)
    assert connections.begin_handshake(honest, 0.0) == flood[0]
    late, _ = enter(connections, "198.51.100.1")
    assert connections.begin_handshake(late, 5.0) == flood[1]
    assert connections.handshakes == 3
    assert len(connections) == 3


def test_a_handshake_that_ended_counts_no_more() -> None:
    connections = table(handshakes=1)
    for _ in range(10):
        number, _ = enter(connections, "192.0.2.1")
        assert connections.begin_handshake(number, 0.0) is None
        connections.end_handshake(number)
    assert len(connections) == 10


def test_nothing_is_left_of_connections_that_left() -> None:
    connections = table()
    numbers = [enter(connections, f"192.0.2.{number}")[0] for number in range(50)]
    for number in numbers:
        connections.begin_handshake(number, 0.0)
        connections.leave(number)
        connections.leave(number)
        connections.prove(number)
        connections.end_handshake(number)
        assert connections.begin_handshake(number, 0.0) is None
    assert len(connections) == connections.handshakes == 0
    assert not connections._count
    assert not connections._unproven._members
