"""A password that was tried at an account, as the limits see it."""

from __future__ import annotations

import msgspec

from shared.network.address import is_loopback, network_of


class Guess(msgspec.Struct, frozen=True):
    """One password tried at one account.

    `fingerprint` is equal for equal passwords at the same account.
    """

    account: str
    network: str
    is_many_people: bool
    """Whether the address is loopback or unknown, so that the limit of a network at all accounts does not apply."""
    fingerprint: int
    protocol: str = ""
    is_name_known: bool = True
    """Whether there is such an account here."""
    is_guessable: bool = True
    """Whether a person may have chosen it; a random secret of the server cannot be guessed."""
    is_secret_shown: bool = True
    """Whether the mechanism shows what was tried; else equal and different passwords look alike."""


def guess(account: str, address: str, fingerprint: int, protocol: str = "", *, is_name_known: bool = True) -> Guess:
    """The guess of a client at this address."""
    network = network_of(address)
    is_many_people = not network or is_loopback(network)
    return Guess(account, network, is_many_people, fingerprint, protocol, is_name_known)
