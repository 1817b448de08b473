"""The networks that logged in to accounts lately, and the keyed hashes of the passwords that were right there."""

from __future__ import annotations

from collections import OrderedDict

from services.directory.domain.guesses import Guess

_KNOWN = 50_000
"""Known networks in memory; the others are looked up."""
_RIGHT_SECRETS = 8
"""Right passwords of an account that are recognized in a network; an account of a group has one for each member."""


class KnownNetworks:
    """Pairs of an account and a network, each known for a time; the oldest is forgotten first."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._known: OrderedDict[tuple[str, str], tuple[float, tuple[int, ...]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def add(self, guess: Guess, now: float) -> None:
        """Remember that somebody logged in to the account from this network, with this secret if it can be guessed."""
        pair = guess.account, guess.network
        if not self._seconds or not guess.network:
            return
        _, secrets = self._known.pop(pair, (0.0, ()))
        if guess.is_guessable:
            secrets = (guess.fingerprint, *(other for other in secrets if other != guess.fingerprint))
        self._known[pair] = now + self._seconds, secrets[:_RIGHT_SECRETS]
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)

    def has(self, guess: Guess, now: float) -> bool:
        """Whether somebody logged in to the account from this network."""
        return self._known.get((guess.account, guess.network), (0.0, ()))[0] > now

    def was_right(self, guess: Guess, now: float) -> bool:
        """Whether this secret opened the account from this network."""
        until, secrets = self._known.get((guess.account, guess.network), (0.0, ()))
        return until > now and guess.fingerprint in secrets
