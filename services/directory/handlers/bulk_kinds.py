"""What an import does with each kind of line: the body of a unit of work decides on it as on a single command.

An object that is there already, as the line says, is left alone; one that differs is refused. So a repeated line
changes nothing. All decisions on a line come before its first event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from services.directory.domain import aliases, decide, dkim, domains, names
from services.directory.domain.aliases import AliasRequest
from services.directory.domain.bulk_lines import LineMistake, PreparedLine, microseconds, words_of
from services.directory.domain.dkim import NewDomain
from services.directory.domain.line_kinds import AccountLine, AliasLine, DomainLine, UserLine, ValueLine
from services.directory.domain.profiles import ProfileRequest, change_profile
from services.directory.domain.state import (
    AccountState,
    AliasState,
    DirectoryRefused,
    DomainState,
    GivenLimits,
    UserState,
)
from services.directory.handlers import load, load_groups
from services.directory.handlers.aliases import AliasCommands, AliasTexts, alias_request
from services.directory.handlers.book import CurrentBook
from services.directory.handlers.bulk_memberships import MembershipLines
from services.directory.handlers.bulk_sending import SendingLines
from services.directory.handlers.commands import append, user_id
from services.directory.handlers.domains import DomainCommands
from services.directory.handlers.lists import ListCommands
from services.directory.handlers.present_objects import LineDecision, check_same
from shared.clock import Clock
from shared.events.directory import AliasEndChanged, AliasEnded, AliasSwitched
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids


class UnitOutcome(NamedTuple):
    """What became of the lines of a unit of work."""

    added: int
    present: int
    mistakes: Sequence[LineMistake]


class BulkKinds:
    """The kinds of lines."""

    def __init__(self, current: CurrentBook, clock: Clock, ids: Ids, is_time_zone: Callable[[str], bool]) -> None:
        """`is_time_zone` says whether the IANA time zone database has a name."""
        self._is_time_zone = is_time_zone
        self._clock = clock
        self._ids = ids
        self._aliases = AliasCommands(current, clock)
        self._domains = DomainCommands(current)
        self.memberships = memberships = MembershipLines(ListCommands(current, clock, ids), ids)
        self._kinds: Mapping[type, LineDecision] = {
            DomainLine: self._domain,
            UserLine: self._user,
            AccountLine: self._account,
            AliasLine: self._alias,
            ValueLine: self._value,
            **memberships.kinds,
            **SendingLines(ids).kinds,
        }

    def carry_out(self, tx: Transaction, unit: Sequence[PreparedLine], provenance: Provenance) -> UnitOutcome:
        """Carry out the lines of a unit of work; a line that is refused leaves the others as they are."""
        added, mistakes = 0, list[LineMistake]()
        for prepared in unit:
            before = len(tx.appended)
            try:
                self._kinds[type(prepared.line)](tx, prepared, prepared.line, provenance)
            except DirectoryRefused as refused:
                mistakes.append(LineMistake(prepared.number, refused.reason, str(refused)))
            added += len(tx.appended) > before
        return UnitOutcome(added, len(unit) - added - len(mistakes), mistakes)

    def _domain(self, tx: Transaction, prepared: PreparedLine, line: DomainLine, provenance: Provenance) -> None:
        name = names.domain_name(line.name)
        present = load.domain(tx, name)
        other = load.existing("domain", line.alias_of, load.domain(tx, line.alias_of)) if line.alias_of else None
        if present is not None:
            check_same(
                f"the domain {name}",
                incoming=(line.incoming, present.incoming),
                disabled=(line.disabled, present.disabled),
                alias_of=(other and other.id, present.alias_of),
            )
            return
        new, incoming = prepared.new_domain or NewDomain(self._ids.new(IdKind.DOMAIN), ()), bool(line.incoming)
        state = DomainState(new.id, name, incoming, False, 0, 0)
        events = domains.add_domain(None, new.id, name, incoming) + dkim.add_keys((), new.keys, new.id)
        events += domains.change_domain(state, None, line.disabled) + domains.alias_domain(state, other)
        append(tx, f"domain:{new.id}", events, provenance)

    def _user(self, tx: Transaction, prepared: PreparedLine, line: UserLine, provenance: Provenance) -> None:
        name = names.user_name(line.name)
        profile = ProfileRequest(line.display_name, line.language, line.time_zone)
        present = load_groups.user_if_any(tx, name)
        if present is not None:
            check_same(f"the user {name}", disabled=(line.disabled, present.disabled))
            if change_profile(present, profile, self._is_time_zone):
                check_same(f"the user {name}", profile=(True, False))
            return
        change_profile(UserState("", name, "", False, ()), profile, self._is_time_zone)  # refused before it is added
        user = self._add_user(tx, name, prepared.password_hash, line.disabled, provenance)
        new = UserState(user, name, prepared.password_hash, bool(line.disabled), ())
        append(tx, f"user:{user}", change_profile(new, profile, self._is_time_zone), provenance)

    def _add_user(
        self, tx: Transaction, name: str, password_hash: str, disabled: bool | None, provenance: Provenance
    ) -> str:
        user = self._ids.new(IdKind.USER)
        events = decide.add_user(None, user, name, password_hash)
        events += decide.change_user(UserState(user, name, password_hash, False, ()), None, disabled)
        append(tx, f"user:{user}", events, provenance)
        return user

    def _account(self, tx: Transaction, prepared: PreparedLine, line: AccountLine, provenance: Provenance) -> None:
        address = names.account_address(line.address)
        owner, user_name = _owner(tx, line, str(address))
        present = load.account(tx, str(address))
        if present is not None:
            check_same(
                f"the account {address}",
                owner=(owner or user_name, present.user),
                quota_bytes=(line.quota_bytes, present.quota_bytes),
                quota_messages=(line.quota_messages, present.quota_messages),
                max_message_size=(line.max_message_size, present.max_message_size),
                disabled=(line.disabled, present.disabled),
            )
            return
        if owner is None and line.user and not (line.password or line.password_hash):
            owner = user_id(tx, user_name)  # there is none: this says so
        ours, holder = load.has_domain(tx, address.domain), load.holder_of(tx, address)
        given = GivenLimits(line.quota_bytes, line.quota_messages, line.max_message_size)
        limits = given.or_else(load.default_limits(tx, address.domain))
        account = self._ids.new(IdKind.ACCOUNT)
        decide.add_account(holder, ours, "", account, address, limits)  # refused before its user is added
        owner = owner or self._add_user(tx, user_name, prepared.password_hash, None, provenance)
        events = decide.add_account(holder, ours, owner, account, address, limits)
        state = AccountState(account, str(address), owner, user_name, limits.octets or 0, False, limits.messages or 0)
        append(
            tx, f"account:{account}", events + decide.change_account(state, line.disabled, GivenLimits()), provenance
        )

    def _alias(self, tx: Transaction, prepared: PreparedLine, line: AliasLine, provenance: Provenance) -> None:
        address, ends_at = names.alias_address(line.address), microseconds(line.ends_at)
        in_force = ends_at if ends_at > self._clock.now() else 0
        texts = AliasTexts(words_of(line.targets), words_of(line.owners, ","), in_force)
        request = alias_request(tx, texts)
        present = load.alias(tx, str(address))
        if present is not None:
            check_same(
                f"the alias {address}",
                targets=(aliases.stored_targets(request), present.targets),
                owners=(request.owners or None, present.owners),
                ends_at=(ends_at or None, present.ends_at),
                disabled=(line.disabled, present.disabled),
            )
            return
        self.add_alias(tx, AliasState(str(address), (), bool(line.disabled), ends_at), request, provenance)

    def add_alias(self, tx: Transaction, state: AliasState, request: AliasRequest, provenance: Provenance) -> None:
        """Add an alias that may be disabled, or have ended. Raises DirectoryRefused."""
        address = names.alias_address(state.address)
        ours, holder = load.has_domain(tx, address.domain), load.holder_of(tx, address)
        patterns, text = load.pattern_count(tx, address.domain), str(address)
        events = aliases.add_alias(holder, ours, patterns, address, request, self._aliases.context(tx))
        if state.ends_at and not request.ends_at:
            events += [AliasEndChanged(text, state.ends_at), AliasEnded(text)]
        switched: list[Event] = [AliasSwitched(text, True)] if state.disabled else []
        append(tx, f"alias:{names.key_of(text)}", events + switched, provenance)

    def _value(self, tx: Transaction, _prepared: PreparedLine, line: ValueLine, provenance: Provenance) -> None:
        self._domains.set_value(tx, line.domain, line.name, line.value, provenance)


def _owner(tx: Transaction, line: AccountLine, address: str) -> tuple[str | None, str]:
    """The id of the user or group of an account, None for a user who is not there; and the user's name."""
    if not line.group:
        user_name = names.user_name(line.user or address)
        return load.user_id(tx, user_name), user_name
    if line.user or line.password or line.password_hash:
        raise DirectoryRefused("invalid", "an account belongs to a user or to a group, and a group has no password")
    return load_groups.group_id(tx, line.group), ""
