"""Commands on moderated lists, and who their moderators are: each method is the body of a unit of work or a read."""

from __future__ import annotations

from collections.abc import Sequence, Set

from services.directory.domain import names
from services.directory.domain.lists import ListState
from services.directory.domain.moderators import (
    Judgement,
    ModerationChanges,
    ModerationState,
    judge,
    set_moderation,
)
from services.directory.domain.names import key_of
from services.directory.domain.state import DirectoryRefused
from services.directory.handlers import list_rows, load
from services.directory.handlers.book import CurrentBook
from services.directory.handlers.commands import append
from services.directory.handlers.lists import ListCommands
from services.directory.handlers.moderation_rows import is_active_account, is_active_user, moderation, own_addresses
from services.directory.handlers.posters import Poster, PosterKeys
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.protocol.address.account import lookup_key, without_subaddress
from shared.protocol.address.address import Address, parse_address


class ModeratorCommands:
    """The commands."""

    def __init__(self, current: CurrentBook, lists: ListCommands) -> None:
        self._current = current
        self._lists = lists
        self._posters = PosterKeys(current)

    def set(
        self,
        tx: Transaction,
        name: str,
        changes: ModerationChanges,
        moderators: Sequence[str] | None,
        provenance: Provenance,
    ) -> tuple[ListState, ModerationState]:
        """Change the moderation of a list."""
        state = list_rows.mailing_list(tx, name)
        addresses = None if moderators is None else self._addresses(tx, moderators)
        events = set_moderation(moderation(tx, state.id), changes, addresses)
        append(tx, f"list:{state.id}", events, provenance)
        return state, moderation(tx, state.id)

    def judge(self, reader: Reader, name: str, poster: Poster) -> tuple[Judgement, ModerationState, bool]:
        """What a list does with a post of a proven author, its moderation, and whether the author is a member."""
        is_member = self._lists.may_post(reader, name, poster).is_member
        state = list_rows.mailing_list(reader, name)
        settings = moderation(reader, state.id)
        judgement = judge(
            settings.moderate,
            members_only=state.members_only,
            is_member=is_member,
            is_moderator=bool(self.moderators_of(reader, state.id, poster)),
        )
        return judgement, settings, is_member

    def moderators_of(self, reader: Reader, identity: str, poster: Poster) -> list[str]:
        """The moderators of a list that the proven author is. Who is disabled or removed is none."""
        listed = moderation(reader, identity).moderators
        if not listed or (poster.user and not is_active_user(reader, poster.user)):
            return []
        keys = self._posters.keys_of(reader, poster)
        if poster.user:
            keys |= {key_of(address) for address in own_addresses(reader, poster.user)}
        return [address for address in listed if self._is_poster(reader, address, keys, poster)]

    def _is_poster(self, reader: Reader, text: str, keys: Set[str], poster: Poster) -> bool:
        """Whether a moderator is the poster: by an account in use, or elsewhere as the exact author."""
        if load.has_domain(reader, parse_address(text).domain):
            return key_of(text) in keys and is_active_account(reader, text)
        return bool(poster.author) and key_of(text) == key_of(poster.author)

    def _addresses(self, tx: Transaction, texts: Sequence[str]) -> tuple[str, ...]:
        """The canonical addresses without tags and repeats. Raises DirectoryRefused for one here without an account."""
        addresses = [self._bare(tx, address) for address in names.addresses(texts)]
        return tuple({lookup_key(address): str(address) for address in addresses}.values())

    def _bare(self, tx: Transaction, address: Address) -> Address:
        canonical = self._current.canonical(address)
        if not load.has_domain(tx, canonical.domain):
            return canonical
        bare = without_subaddress(canonical)[0]
        account = load.account(tx, str(bare))
        if account is None:
            raise DirectoryRefused(
                "missing", f"a moderator here has an account, and {bare} is none: `mailfold account list` shows them"
            )
        return parse_address(account.address)
