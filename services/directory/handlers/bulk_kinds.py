"""What an import does with each kind of line: the body of a unit of work decides on it as on a single command.

An object that is there already, as the line says, is left alone; one that differs is refused. So a repeated line
changes nothing. All decisions on a line come before its first event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from services.directory.domain import aliases, decide, dkim, domains, names
from services.directory.domain.aliases import AliasRequest
from services.directory.domain.bulk_lines import (
    AccountLine,
    AliasLine,
    DomainLine,
    LineMistake,
    PreparedLine,
    UserLine,
    ValueLine,
    microseconds,
    words_of,
)
from services.directory.domain.dkim import NewDomain
from services.directory.domain.state import (
    AccountState,
    AliasState,
    DirectoryRefused,
    DomainState,
    GivenLimits,
    UserState,
)
from services.directory.handlers import load
from services.directory.handlers.aliases import AliasCommands
from services.directory.handlers.book import CurrentBook
from services.directory.handlers.commands import append, user_id
from services.directory.handlers.domains import DomainCommands
from shared.clock import Clock
from shared.events.directory import AliasEndChanged, AliasEnded, AliasSwitched
from shared.eventstore.event import Event, Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids

Add = Callable[[Transaction, PreparedLine, Any, Provenance], None]


class UnitOutcome(NamedTuple):
    """What became of the lines of a unit of work."""

    added: int
    present: int
    mistakes: Sequence[LineMistake]


class BulkKinds:
    """The kinds of lines."""

    def __init__(self, current: CurrentBook, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._aliases = AliasCommands(current, clock)
        self._domains = DomainCommands(current)
        self._kinds: Mapping[type, Add] = {
            DomainLine: self._domain,
            UserLine: self._user,
            AccountLine: self._account,
            AliasLine: self._alias,
            ValueLine: self._value,
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
            _check_same(
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
        present = load.user(tx, name)
        if present is not None:
            _check_same(f"the user {name}", disabled=(line.disabled, present.disabled))
            return
        self._add_user(tx, name, prepared.password_hash, line.disabled, provenance)

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
        user_name = names.user_name(line.user or str(address))
        user, present = load.user_id(tx, user_name), load.account(tx, str(address))
        if present is not None:
            _check_same(
                f"the account {address}",
                user=(user or user_name, present.user),
                quota_bytes=(line.quota_bytes, present.quota_bytes),
                disabled=(line.disabled, present.disabled),
            )
            return
        if user is None and line.user and not (line.password or line.password_hash):
            user = user_id(tx, user_name)  # there is none: this says so
        ours, holder = load.has_domain(tx, address.domain), load.holder_of(tx, address)
        limits = GivenLimits(line.quota_bytes).or_else(load.default_limits(tx, address.domain))
        account = self._ids.new(IdKind.ACCOUNT)
        decide.add_account(holder, ours, "", account, address, limits)  # refused before its user is added
        user = user or self._add_user(tx, user_name, prepared.password_hash, None, provenance)
        events = decide.add_account(holder, ours, user, account, address, limits)
        state = AccountState(account, str(address), user, user_name, limits.octets or 0, False, limits.messages or 0)
        append(
            tx, f"account:{account}", events + decide.change_account(state, line.disabled, GivenLimits()), provenance
        )

    def _alias(self, tx: Transaction, prepared: PreparedLine, line: AliasLine, provenance: Provenance) -> None:
        address, ends_at = names.alias_address(line.address), microseconds(line.ends_at)
        targets = names.alias_targets(words_of(line.targets))
        owners = tuple(sorted({user_id(tx, name) for name in words_of(line.owners, ",")}))
        present = load.alias(tx, str(address))
        if present is not None:
            _check_same(
                f"the alias {address}",
                targets=(tuple(map(str, targets)), present.targets),
                owners=(owners or None, present.owners),
                ends_at=(ends_at or None, present.ends_at),
                disabled=(line.disabled, present.disabled),
            )
            return
        request = AliasRequest(targets, owners, ends_at if ends_at > self._clock.now() else 0)
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


def _check_same(what: str, **values: tuple[object, object]) -> None:
    """Check that a line says of an object what it is; None says nothing. Raises DirectoryRefused."""
    differing = [name for name, (said, present) in values.items() if said is not None and said != present]
    if differing:
        raise DirectoryRefused(
            "taken", f"{what} is there already, with another {' and '.join(differing)}: an import changes no object"
        )
