"""What DNSSEC says about hosts belongs to the next hop: a domain cannot lower it for others with the same hosts."""

from __future__ import annotations

from services.outbound.domain.exchangers import Exchanger, Exchangers, exchangers_of
from services.outbound.domain.next_hop import HopRules, NextHop, next_hop
from shared.protocol.dns.evaluation import drive_sync
from shared.protocol.dns.question import Answer, Question


def hop(*, mx: bool, address: bool, alias: str = "") -> NextHop:
    """The next hop of a domain whose answers are authenticated or not."""

    def look_up(question: Question) -> Answer:
        match question.rdtype:
            case "MX":
                return Answer("ok", ("10 mx.example",), authenticated=mx)
            case "A":
                return Answer("ok", ("8.8.8.8",), authenticated=address, canonical_name=alias)
            case _:
                return Answer("nodata", canonical_name=alias)

    exchangers = drive_sync(exchangers_of("far.example"), look_up)
    assert isinstance(exchangers, Exchangers)
    chosen = next_hop(exchangers, HopRules(), seed=1)
    assert isinstance(chosen, NextHop)
    return chosen


def test_the_key_of_a_hop_depends_on_what_is_signed() -> None:
    keys = [hop(mx=mx, address=address).key for mx in (False, True) for address in (False, True)]
    assert keys[0] == keys[1] == "0 mx.example"
    assert len(set(keys)) == 3


def test_an_address_has_what_decides_about_dane() -> None:
    (address,) = hop(mx=True, address=False, alias="real.example").addresses
    assert (address.is_named_securely, address.is_secure, address.target) == (True, False, "real.example")
    (address,) = hop(mx=True, address=True).addresses
    assert (address.is_named_securely, address.is_secure, address.target) == (True, True, "")
    (address,) = hop(mx=False, address=True).addresses
    assert (address.is_named_securely, address.is_secure) == (False, False)


def test_domains_share_a_hop_when_their_hosts_are_in_the_same_order() -> None:
    def key(*hosts: tuple[int, str]) -> str:
        exchangers = tuple(Exchanger(name, preference, ipv4=("8.8.8.8",)) for preference, name in hosts)
        chosen = next_hop(Exchangers("far.example", exchangers), HopRules(), seed=1)
        assert isinstance(chosen, NextHop)
        return chosen.key

    assert key((10, "a.example"), (20, "b.example")) == key((1, "a.example"), (2, "b.example"))
    assert key((10, "a.example"), (20, "b.example")) != key((20, "a.example"), (10, "b.example"))
