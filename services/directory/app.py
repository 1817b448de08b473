"""Connects the parts of the directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import sqlalchemy
import structlog

from services.directory.adapters.bulk_hashing import BulkHasher
from services.directory.adapters.key_records import KeyRecords
from services.directory.adapters.ldap_directory import LdapDirectory
from services.directory.adapters.password_checks import PasswordChecks
from services.directory.adapters.passwords import PasswordHasher
from services.directory.adapters.settings_file import SettingsFile
from services.directory.areas import PROJECTIONS, archive_commands, areas
from services.directory.domain.folded_logins import FoldedLogins
from services.directory.domain.roles import RoleMail
from services.directory.domain.throttle import Throttle, ThrottleLimits
from services.directory.endpoints.bulk import BulkCommands, BulkEndpoint
from services.directory.endpoints.credentials import CredentialCommands, CredentialsEndpoint
from services.directory.endpoints.guarded import guarded
from services.directory.endpoints.ldap import LdapEndpoint
from services.directory.endpoints.lockouts import LockoutsEndpoint
from services.directory.endpoints.mail_rights import MailRightsEndpoint
from services.directory.endpoints.names import NameCommands
from services.directory.endpoints.sending import SendingCommands
from services.directory.endpoints.servicer import DirectoryEndpoint
from services.directory.handlers import load, sharing
from services.directory.handlers.aliases import AliasCommands
from services.directory.handlers.app_passwords import AppPasswordCommands, PasswordMaker
from services.directory.handlers.applications import ApplicationCommands
from services.directory.handlers.attempts import AccountNames, CountedAttempts
from services.directory.handlers.authentication import Authenticator
from services.directory.handlers.book import CurrentBook, book_events, read_book
from services.directory.handlers.bulk_kinds import BulkKinds
from services.directory.handlers.commands import DirectoryCommands
from services.directory.handlers.dkim import DkimCommands
from services.directory.handlers.dkim_upkeep import DkimUpkeep
from services.directory.handlers.domains import DomainCommands
from services.directory.handlers.ends import Ends, address_releases, alias_ends, app_password_ends
from services.directory.handlers.erasing import DirectoryErasure
from services.directory.handlers.erasures import open_count
from services.directory.handlers.expiry import note_settings
from services.directory.handlers.hash_renewal import HashRenewal
from services.directory.handlers.imports import Imports
from services.directory.handlers.ldap_sync import LdapSync
from services.directory.handlers.line_preparation import LinePreparation
from services.directory.handlers.lockout_rows import WallTimes, open_lockouts
from services.directory.handlers.lockouts import LockoutCommands
from services.directory.handlers.log_in_line import LogInLine
from services.directory.handlers.login_journal import LoginJournal
from services.directory.handlers.protocol_switches import ProtocolSwitches
from services.directory.handlers.relays import RelayCommands
from services.directory.handlers.reverting import Reverting
from services.directory.handlers.rights import RightsGuard
from services.directory.handlers.scram_rows import count_without_keys
from services.directory.handlers.secret_keys import SecretCommands
from services.directory.handlers.settings import SettingCommands
from services.directory.handlers.trials import TrialParts, Trials
from services.directory.handlers.verified import VerifiedLogins, changed_users
from services.directory.ldap_settings import LdapSettings
from services.directory.log_ins import ProvenLogInParts
from services.directory.settings import SECTIONS as SECTIONS
from services.directory.settings import DirectorySettings, ExpirySettings, SharingSettings
from shared.dns.settings import ResolverSettings
from shared.events.directory import AccountAdded, AccountRemoved, UserPasswordChanged, UserSwitched
from shared.eventstore.event import Recorded
from shared.eventstore.store import EventStore
from shared.grpc.servicers import Registration
from shared.owner.commit_bell import ring_at_commits
from shared.owner.servicer import StoreOwner
from shared.owner.source import StoreSource
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError
from shared.routing.address_book import key_of
from shared.rpc.mailfold.directory.v1.bulk_pb2_grpc import add_BulkServicer_to_server
from shared.rpc.mailfold.directory.v1.credentials_pb2_grpc import add_CredentialsServicer_to_server
from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import add_DirectoryServicer_to_server
from shared.rpc.mailfold.directory.v1.ldap_pb2_grpc import add_LdapServicer_to_server
from shared.rpc.mailfold.directory.v1.lockouts_pb2_grpc import add_LockoutsServicer_to_server
from shared.rpc.mailfold.directory.v1.mailrights_pb2_grpc import add_MailRightsServicer_to_server
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.secrets.keyring import Keyring
from shared.service import SHARED_SECTIONS, Host
from shared.settings import Section
from shared.time_zones import is_time_zone

SERVICE = "directory"
_DAY = 86_400.0
log = structlog.get_logger("directory")


class Directory:
    """The directory as a running service."""

    def __init__(self, host: Host, sections: Mapping[str, type[Section]]) -> None:
        self._host = host
        section = host.section(DirectorySettings)
        metadata = sqlalchemy.MetaData()
        self.store = host.event_store(SERVICE, metadata, [made(metadata) for made in PROJECTIONS])
        self._hasher = PasswordHasher(section.concurrent_hashes, section.waiting_hashes)
        self._ldap = _ldap_sync(host, self.store)
        self._throttle = Throttle(_throttle_limits(section))
        self._current = CurrentBook()
        self._settings = SettingCommands(self.store, host.settings, sections, SettingsFile(host.places))
        self._proven = ProvenLogInParts(host, self.store)
        folded = FoldedLogins()
        self._journal = LoginJournal(self.store, folded, self._throttle.lockouts, host.clock, section.fold_seconds)
        lockouts = LockoutCommands(self.store, self._throttle, self._journal, host.clock)
        sending = _sending_commands(host, self.store, section)
        self._upkeep = DkimUpkeep(SERVICE, self.store, sending.dkim, sending.secrets, section.dkim_check_seconds)
        aliases = AliasCommands(self._current, host.clock)
        credentials = _credential_commands(host)
        self._ends = self._ends_of(host, aliases, credentials)
        self._roles = RoleMail(_address(section.postmaster), host.server.host.lower())
        endpoint = DirectoryEndpoint(
            self.store,
            DirectoryCommands(host.ids),
            self._settings,
            self._authenticator(section, folded),
            self._hasher,
            self._current,
            self._roles,
            section.password_length,
            NameCommands(DomainCommands(self._current), aliases),
            sending,
            self._proven.keys,
        )
        self._erasure = DirectoryErasure(SERVICE, self.store)
        self._trials = Trials(self.store, host.clock, partial(_trial_parts, host))
        self._bulk_hasher = BulkHasher(self._hasher.hash_here)
        self.registrations = self._registrations(
            host,
            endpoint,
            (add_CredentialsServicer_to_server, CredentialsEndpoint(self.store, credentials, self._proven.keys)),
            (add_LockoutsServicer_to_server, LockoutsEndpoint(lockouts)),
            (add_BulkServicer_to_server, self._bulk(host, sending.dkim, section.password_length)),
        )

    def _registrations(self, host: Host, endpoint: DirectoryEndpoint, *further: Registration) -> Sequence[Registration]:
        registrations: Sequence[Registration] = (
            (add_DirectoryServicer_to_server, endpoint),
            *areas(host, self.store, self._current),
            *further,
            self._proven.registration(self._attempts, self._current),
            (add_LdapServicer_to_server, LdapEndpoint(self._ldap)),
            (add_MailRightsServicer_to_server, MailRightsEndpoint(self.store, RightsGuard(self.store, host.clock))),
            (add_EventSourceServicer_to_server, StoreSource(self.store, partial(book_events, self.store))),
            (
                add_OwnerServicer_to_server,
                StoreOwner(SERVICE, self.store, host.health(SERVICE, self.store), report=self._report),
            ),
        )
        return guarded(registrations, RightsGuard(self.store, host.clock))

    async def start(self) -> None:
        """Open the store, read the address book, record settings edited by hand, and begin to ring doorbells.

        A host that only reads writes nothing.
        """
        await self._host.open_store(self.store)
        self._current.book = await self.store.read(read_book)
        times = WallTimes(self._host.clock)
        for lockout in await self.store.read(lambda reader: open_lockouts(reader, times)):
            self._throttle.resume(lockout)
        if self._host.reads_only:
            return
        self.store.on_commit(self._current.follow)
        self.store.on_commit(self._forgive)
        await self._proven.start()
        for ends in self._ends:
            self.store.on_commit(ends.committed)
        ring_at_commits(self._host.bus, SERVICE, self.store)
        await self._settings.note_edits()
        await note_settings(self.store, self._host.section(ExpirySettings))
        await sharing.note_settings(self.store, self._host.section(SharingSettings))
        self._journal.start()
        for ends in self._ends:
            ends.start()
        self._upkeep.start()
        self.store.on_commit(self._erasure.committed)
        self._erasure.start()
        self._ldap.start()

    async def stop(self) -> None:
        """Write the last log-ins and close."""
        await self._erasure.stop()
        await self._ldap.stop()
        for ends in self._ends:
            await ends.stop()
        await self._upkeep.stop()
        await self._journal.stop()
        self._hasher.close()
        self._bulk_hasher.close()
        await self._trials.close()
        await self.store.close()

    def _ends_of(self, host: Host, aliases: AliasCommands, credentials: CredentialCommands) -> list[Ends]:
        releases = address_releases(archive_commands(host))
        kinds = alias_ends(aliases), app_password_ends(credentials.app_passwords), releases
        return [Ends(SERVICE, self.store, kind, host.clock) for kind in kinds]

    def _authenticator(self, section: DirectorySettings, folded: FoldedLogins) -> Authenticator:
        clock = self._host.clock
        verified = self._verified = VerifiedLogins(
            section.remember_seconds, section.remember_logins, self._host.section(LdapSettings).remember_seconds
        )
        line = LogInLine(self._throttle, clock, section.waiting_hashes)
        canonical, passwords = self._current.canonical, PasswordChecks(self._hasher, self._ldap.source)
        renewal = HashRenewal(self.store, self._hasher)
        switches = ProtocolSwitches(self.store, pop3=section.pop3)
        names = AccountNames(self.store, self._has_account, clock, section.trusted_days)
        attempts = self._attempts = CountedAttempts(self._throttle, line, verified, folded, names, switches)
        return Authenticator(self.store, passwords, attempts, verified, clock, canonical, renewal)

    def _has_account(self, key: str) -> bool:
        names = self._current.book.names
        return key in names.accounts or names.applications.get(key) is not None

    def _bulk(self, host: Host, dkim: DkimCommands, password_length: int) -> BulkEndpoint:
        kinds, reverting = _trial_parts(host, self._current)
        preparation = LinePreparation(self.store, self._bulk_hasher, dkim.for_new_domain, password_length)
        imports = Imports(self.store, kinds, preparation, self._trials, SettingsFile(host.places).hashed)
        return BulkEndpoint(self.store, BulkCommands(imports, reverting, self._trials, self._settings))

    def _forgive(self, recorded: list[Recorded]) -> None:
        """Clear the wrong passwords of accounts that are new, are removed or have a new password."""
        events = [entry.event for entry in recorded]
        users = {event.id for event in events if isinstance(event, UserPasswordChanged | UserSwitched)}
        self._verified.forget(changed_users(events))
        added = {key_of(event.address) for event in events if isinstance(event, AccountAdded | AccountRemoved)}
        if users or added:
            accounts = self._current.book.names.accounts
            suspects = self._throttle.suspects()
            theirs = {key for key in suspects if key in accounts and self._acts_any(users, accounts[key].user)}
            self._throttle.forgive(theirs | added)

    def _acts_any(self, users: set[str], owner: str) -> bool:
        """Whether one of the users may open the accounts of an owner."""
        return owner in users or not users.isdisjoint(self._current.book.names.groups.members(owner))

    async def _report(self) -> owner_pb2.ReportReply:
        counts = await self.store.read(load.counts) | {
            "domains_without_postmaster": self._roles.without_postmaster(self._current.book),
            "passwords_without_scram_keys": await self.store.read(count_without_keys),
            "open_erasures": await self.store.read(open_count),
            "lockouts": len(self._throttle.lockouts.in_force(self._host.clock.monotonic())),
        }
        reply = owner_pb2.ReportReply(counts=counts)
        await self._upkeep.report(reply)
        self._ldap.report(reply)
        return reply


def build(host: Host, sections: Mapping[str, type[Section]] | None = None) -> Directory:
    """Create the service for a process that hosts it.

    `sections` is every section of the installation, which only the launcher knows.
    """
    return Directory(host, sections or {**SHARED_SECTIONS, **SECTIONS})


def _trial_parts(host: Host, current: CurrentBook) -> TrialParts:
    """What decides on imports and reverts, for an address book."""
    kinds, keyring = BulkKinds(current, host.clock, host.ids, is_time_zone), Keyring(host.places)
    return TrialParts(kinds, Reverting(current, kinds, host.clock, host.ids, keyring.has_key_of))


def _ldap_sync(host: Host, store: EventStore) -> LdapSync:
    settings = host.section(LdapSettings)
    return LdapSync(SERVICE, store, LdapDirectory(settings), settings, host.ids, host.clock)


def _throttle_limits(section: DirectorySettings) -> ThrottleLimits:
    return ThrottleLimits(
        section.failures_per_account,
        section.failures_per_address,
        section.failure_seconds,
        section.trusted_days * _DAY,
        section.account_delay,
        section.failures_everywhere,
    )


def _credential_commands(host: Host) -> CredentialCommands:
    maker = PasswordMaker()
    return CredentialCommands(AppPasswordCommands(host.ids, host.clock, maker), ApplicationCommands(host.ids, maker))


def _sending_commands(host: Host, store: EventStore, section: DirectorySettings) -> SendingCommands:
    keyring = Keyring(host.places)
    records = KeyRecords(host.section(ResolverSettings), host.clock)
    return SendingCommands(
        DkimCommands(store, host.ids, host.clock, keyring, records, section.dkim_retire_days),
        RelayCommands(store, keyring),
        SecretCommands(store, keyring),
    )


def _address(text: str) -> Address | None:
    try:
        return parse_address(text) if text else None
    except AddressError as error:  # a wrong postmaster setting must not keep every user from logging in
        log.error("directory.postmaster_unreadable", address=text, error=error.reason)
        return None
