"""Reverts changes: the opposite command is decided on as any other, if what the change made is still so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from services.directory.domain import archives, decide, domains
from services.directory.domain.histories import HistoryStep, begins, check_still_fits
from services.directory.domain.state import AccountState, AliasState, DirectoryRefused, GivenLimits
from services.directory.handlers import archive_rows, credential_rows, load
from services.directory.handlers.aliases import AliasCommands, AliasTexts, alias_request
from services.directory.handlers.book import CurrentBook
from services.directory.handlers.bulk_kinds import BulkKinds
from services.directory.handlers.commands import append
from services.directory.handlers.domains import DomainCommands
from services.directory.handlers.former_holders import has_changed_hands
from services.directory.handlers.histories import event_at, events_of_command, of_stream
from services.directory.handlers.reverting_memberships import MembershipOpposites, Opposite, value_given_at
from services.directory.handlers.reverting_sending import SendingOpposites
from services.directory.handlers.reverting_sharing import SHARING_OPPOSITES
from shared.clock import Clock
from shared.events import directory as directory_events
from shared.events.account_limits import AccountSizeLimitChanged
from shared.events.blocking import BlockingEntriesAdded, BlockingEntriesRemoved
from shared.events.bulk import ImportBegun, ImportEnded
from shared.events.credentials import ApplicationAdded, ApplicationPasswordChanged, ApplicationRemoved
from shared.events.lists import ListMembersJoined
from shared.events.send_as import SendAsGranted, SendAsRevoked
from shared.events.sending import DkimKeyActivated, DkimKeyAdded, DkimKeyRetired
from shared.events.signatures import SignatureWritten
from shared.eventstore.connection import Reader
from shared.eventstore.event import Event, Provenance, Recorded
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids
from shared.routing.known_groups import group_of

PAGE = 50
"""Changes of a unit of work."""


class RevertedPage(NamedTuple):
    """What became of some changes of a command."""

    reverted: int
    refusals: Sequence[tuple[HistoryStep, str]]
    before: int
    """The number before which the next page begins; 0: there is none."""


class Reverting:
    """Reverts changes of every kind of object."""

    def __init__(
        self, current: CurrentBook, kinds: BulkKinds, clock: Clock, ids: Ids, can_open: Callable[[str], bool]
    ) -> None:
        """`can_open` says whether the key of a sealed secret is there."""
        self._domains = DomainCommands(current)
        self._aliases = AliasCommands(current, clock)
        self._bulk = kinds
        self._clock = clock
        self._ids = ids
        self._opposites: Mapping[type[Event], Opposite] = {
            directory_events.DomainAdded: self._remove_domain,
            directory_events.DomainChanged: self._change_domain,
            directory_events.DomainAliased: self._alias_domain,
            directory_events.DomainValueChanged: self._set_value,
            directory_events.UserAdded: self._remove_user,
            directory_events.UserPasswordChanged: self._change_user,
            directory_events.UserSwitched: self._change_user,
            directory_events.UserRemoved: self._add_user,
            directory_events.AccountAdded: self._remove_account,
            ApplicationAdded: self._remove_account,
            directory_events.AccountChanged: self._change_account,
            directory_events.AccountMessageQuotaChanged: self._change_message_quota,
            AccountSizeLimitChanged: self._change_size_limit,
            directory_events.AliasAdded: self._remove_alias,
            directory_events.AliasSwitched: self._change_alias,
            directory_events.AliasTargetsChanged: self._change_alias,
            directory_events.AliasEndChanged: self._change_alias,
            directory_events.AliasOwnersChanged: self._change_alias,
            directory_events.AliasRemoved: self._add_alias,
            **MembershipOpposites(kinds.memberships, ids).opposites,
            **SendingOpposites(can_open).opposites,
            **SHARING_OPPOSITES,
        }

    def revert(self, tx: Transaction, number: int, provenance: Provenance) -> HistoryStep:
        """Revert one change; returns it. Raises DirectoryRefused."""
        return self._revert(tx, event_at(tx, number), provenance)

    def revert_some(self, tx: Transaction, command: str, before: int, provenance: Provenance) -> RevertedPage:
        """Revert the newest changes of a command before a number, each if it can be reverted."""
        return self._page(tx, command, before, lambda recorded: self._revert(tx, recorded, provenance))

    def _page(self, reader: Reader, command: str, before: int, take_back: Callable[[Recorded], object]) -> RevertedPage:
        events, reverted, refusals = events_of_command(reader, command, before, PAGE), 0, []
        for recorded in events:
            if isinstance(recorded.event, ImportBegun | ImportEnded | SignatureWritten) or _goes_with_its_object(
                reader, recorded
            ):
                continue
            try:
                take_back(recorded)
                reverted += 1
            except DirectoryRefused as refused:
                refusals.append((HistoryStep(recorded, {}, {}, {}), str(refused)))
        return RevertedPage(reverted, refusals, events[-1].position if len(events) == PAGE else 0)

    def _revert(self, tx: Transaction, recorded: Recorded, provenance: Provenance) -> HistoryStep:
        step = _fitting(tx, recorded)
        opposite = self._opposites.get(type(recorded.event))
        if opposite is None:
            raise DirectoryRefused("invalid", f"{recorded.event.stored_name} cannot be reverted{_advice(recorded)}")
        opposite(tx, step, provenance)
        return step

    def _remove_domain(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        domain = load.existing("domain", step.whole["name"], load.domain(tx, _id(step)))
        append(tx, step.recorded.stream, domains.remove_domain(domain), provenance)

    def _change_domain(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        before = step.differing
        self._domains.change(tx, _id(step), before.get("incoming"), before.get("disabled"), provenance)

    def _alias_domain(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        self._domains.make_alias(tx, _id(step), step.before["alias_of"], provenance)

    def _set_value(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        event: Any = step.recorded.event
        self._domains.set_value(tx, event.id, event.name, event.previous, provenance)

    def _remove_user(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        user = load.existing("user", step.whole["name"], load.user(tx, _id(step)))
        append(tx, step.recorded.stream, decide.remove_user(user), provenance)

    def _change_user(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        user = load.existing("user", step.whole["name"], load.user(tx, _id(step)))
        before = step.before
        if not before.get("password_hash", user.password_hash):
            raise DirectoryRefused("invalid", "the user had no password before: set another one, or disable the user")
        events = decide.change_user(user, before.get("password_hash"), before.get("disabled"))
        append(tx, step.recorded.stream, events, provenance)

    def _add_user(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        """Add a removed user again, with the former password; under a new id, so that nothing else comes back."""
        user, name, password_hash = self._ids.new(IdKind.USER), step.before["name"], step.before["password_hash"]
        events = decide.add_user(load.user(tx, name), user, name, password_hash)
        if step.before["disabled"]:
            events.append(directory_events.UserSwitched(user, True))
        append(tx, f"user:{user}", events, provenance)

    def _remove_account(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        """Archive an account or application, for it may have mail; its address is free at once."""
        account = _account(tx, step)
        named = archive_rows.references(tx, account.address)
        archives.check_fate(account.address, named, None, is_deleted=False)
        append(tx, step.recorded.stream, archives.archive(account, self._clock.now(), 0), provenance)

    def _change_account(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        account = load.existing("account", step.whole["address"], load.account(tx, _id(step)))
        before = step.differing
        events = decide.change_account(account, before.get("disabled"), GivenLimits(before.get("quota_bytes")))
        append(tx, step.recorded.stream, events, provenance)

    def _change_message_quota(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        account = load.existing("account", step.whole["address"], load.account(tx, _id(step)))
        limits = GivenLimits(messages=step.before.get("quota_messages", 0))
        append(tx, step.recorded.stream, decide.change_account(account, None, limits), provenance)

    def _change_size_limit(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        account = _account(tx, step)
        limits = GivenLimits(message_size=step.before.get("max_message_size", 0))
        append(tx, step.recorded.stream, decide.change_account(account, None, limits), provenance)

    def _remove_alias(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        append(tx, step.recorded.stream, [directory_events.AliasRemoved(step.whole["address"])], provenance)

    def _change_alias(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        before = step.before
        self._check_targets(tx, step, before.get("targets", ()))
        texts = AliasTexts(before.get("targets"), before.get("owners"), before.get("ends_at"), before.get("disabled"))
        self._aliases.change(tx, step.whole["address"], texts, provenance)

    def _add_alias(self, tx: Transaction, step: HistoryStep, provenance: Provenance) -> None:
        before = step.before
        if before["ended"]:
            raise DirectoryRefused("invalid", "the alias had ended before it was removed")
        self._check_targets(tx, step, before["targets"])
        owners = tuple(user for user in before["owners"] if load.user_id(tx, user))
        request = alias_request(tx, AliasTexts(before["targets"], owners, before["ends_at"]))
        state = AliasState(before["address"], (), before["disabled"], before["ends_at"])
        self._bulk.add_alias(tx, state, request, provenance)

    @staticmethod
    def _check_targets(tx: Transaction, step: HistoryStep, targets: Sequence[str]) -> None:
        """Check that targets lead to those to whom they led. Raises DirectoryRefused."""
        given_at = value_given_at(tx, step, "targets")
        for target in targets:
            if not group_of(target) and has_changed_hands(tx, target, given_at):
                raise DirectoryRefused("missing", f"{target} was removed since: give the alias its targets anew")


def _fitting(reader: Reader, recorded: Recorded) -> HistoryStep:
    """The change of an event, if it can be reverted as things are now. Raises DirectoryRefused."""
    if isinstance(recorded.event, _SELF_CONTAINED):
        return HistoryStep(recorded, {}, {}, {})
    steps = of_stream(reader, recorded.stream)
    place = next((at for at, step in enumerate(steps) if step.recorded.position == recorded.position), None)
    if place is None or steps[0].recorded.version > 1:
        raise DirectoryRefused("invalid", "too much has happened to this object since")
    return check_still_fits(steps, place)


def _goes_with_its_object(reader: Reader, recorded: Recorded) -> bool:
    """Whether the command of a change has also added its object, and so takes the change away with it."""
    command = recorded.provenance.command
    if begins(recorded.event):
        return False
    sql = "SELECT 1 FROM event WHERE stream = ? AND command = ? AND type = ?"
    kind = recorded.stream.partition(":")[0]
    types = (f"{kind}.added", "account.application_added")
    return any(reader.first_row(sql, (recorded.stream, command, added)) is not None for added in types)


_SELF_CONTAINED = (BlockingEntriesAdded, BlockingEntriesRemoved, SendAsGranted, SendAsRevoked, ListMembersJoined)
"""Events whose opposites need nothing of the history, which may be long."""


def _account(tx: Transaction, step: HistoryStep) -> AccountState:
    """The account or application of a change. Raises DirectoryRefused."""
    state = load.account(tx, _id(step)) or credential_rows.application_as_account(tx, _id(step))
    return load.existing("account", step.whole["address"], state)


def _id(step: HistoryStep) -> str:
    return str(getattr(step.recorded.event, "id", ""))


def _advice(recorded: Recorded) -> str:
    match recorded.event:
        case directory_events.AccountRemoved():
            return ": a removed account comes back through its archive alone (`mailfold archive list`)"
        case ApplicationRemoved(address=address):
            return f": it comes back from its archive, with a new password (`mailfold application restore {address}`)"
        case ApplicationPasswordChanged():
            return ": the former password may be known to others; make a new one (`mailfold application password`)"
        case DkimKeyAdded() | DkimKeyActivated() | DkimKeyRetired():
            return ": `mailfold dkim rotate` makes new keys, and `mailfold dkim retire` removes former ones"
        case directory_events.AliasEnded(address):
            return f": give it another end (`mailfold alias until {address} 30d`)"
        case _:
            return ""
