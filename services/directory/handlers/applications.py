"""Commands on applications: each method is the body of a unit of work."""

from __future__ import annotations

import msgspec

from services.directory.domain import applications, archives
from services.directory.domain.applications import ApplicationChange, ApplicationState
from services.directory.handlers import archive_rows, credential_rows, load
from services.directory.handlers.app_passwords import PasswordMaker
from services.directory.handlers.archives import move_kept
from services.directory.handlers.commands import append
from shared.events.credentials import ApplicationAdded
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.transaction import Transaction
from shared.ids import IdKind, Ids


class ApplicationShown(msgspec.Struct, frozen=True):
    """An application, and its password where that was made just now."""

    state: ApplicationState
    text: str = ""

    def __repr__(self) -> str:
        return f"ApplicationShown({self.state!r})"


class ApplicationCommands:
    """The commands."""

    def __init__(self, ids: Ids, maker: PasswordMaker) -> None:
        self._ids = ids
        self._maker = maker

    def add(
        self, tx: Transaction, text: str, receives: bool, mails_an_hour: int, provenance: Provenance
    ) -> ApplicationShown:
        """Add an application. Its password is in this answer alone; a repeat of the command has none."""
        address, password = applications.application_address(text), ""
        if not tx.answered(provenance.command):
            made, secret_hash = self._maker.new(self._ids.new(IdKind.ACCOUNT))
            ours, holder = load.has_domain(tx, address.domain), load.holder_of(tx, address)
            limits = load.default_limits(tx, address.domain)
            added = ApplicationAdded(made.id, str(address), secret_hash, receives, mails_an_hour, limits.octets or 0)
            events = applications.add_application(holder, ours, added, limits.messages or 0)
            append(tx, f"account:{made.id}", events, provenance)
            password = made.text
        return ApplicationShown(shown_application(tx, str(address)), password)

    def change(self, tx: Transaction, name: str, change: ApplicationChange, provenance: Provenance) -> ApplicationState:
        """Change an application; no event is written when nothing changes."""
        state = shown_application(tx, name)
        append(tx, f"account:{state.id}", applications.change_application(state, change), provenance)
        return shown_application(tx, state.id)

    def rename(self, tx: Transaction, name: str, text: str, provenance: Provenance) -> ApplicationState:
        """Give an application another address."""
        address = applications.application_address(text)
        if not tx.answered(provenance.command):
            state = shown_application(tx, name)
            ours, holder = load.has_domain(tx, address.domain), load.holder_of(tx, address)
            append(tx, f"account:{state.id}", applications.rename_application(state, holder, ours, address), provenance)
        return shown_application(tx, str(address))

    def new_password(self, tx: Transaction, name: str, provenance: Provenance) -> ApplicationShown:
        """Give an application a new password; the old one opens nothing more."""
        state, password = shown_application(tx, name), ""
        if not tx.answered(provenance.command):
            made, secret_hash = self._maker.new(state.id)
            append(tx, f"account:{state.id}", applications.change_password(state, secret_hash), provenance)
            password = made.text
        return ApplicationShown(state, password)

    def restore(
        self, tx: Transaction, name: str, text: str, mails_an_hour: int, provenance: Provenance
    ) -> ApplicationShown:
        """Make the archive of an application an application that receives, with its mail and a new password."""
        earlier = [recorded.event for recorded in tx.answered(provenance.command)]
        for event in earlier:
            if isinstance(event, ApplicationAdded):
                return ApplicationShown(shown_application(tx, event.id))
        state = archive_rows.archive(tx, name)
        address = applications.application_address(text or state.address)
        made, secret_hash = self._maker.new(state.id)
        ours, holder = load.has_domain(tx, address.domain), load.holder_of(tx, address, archive=state.id)
        added = ApplicationAdded(made.id, str(address), secret_hash, mails_an_hour=mails_an_hour)
        events = archives.restore_application(state, holder, ours, added)
        move_kept(tx, state, str(address), provenance)
        append(tx, f"account:{state.id}", events, provenance)
        return ApplicationShown(shown_application(tx, state.id), made.text)


def shown_application(reader: Reader, name: str) -> ApplicationState:
    """The application with this address or id. Raises DirectoryRefused."""
    return load.existing("application", name, credential_rows.application(reader, name))
