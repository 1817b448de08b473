"""Serves the Credentials contract: app passwords and applications."""

from __future__ import annotations

from typing import Any, NamedTuple

from services.directory.domain.app_passwords import AppPasswordRequest, AppPasswordState
from services.directory.domain.applications import ApplicationChange, ApplicationState
from services.directory.endpoints.names import given, given_limits
from services.directory.endpoints.units import StoreEndpoint
from services.directory.handlers.app_passwords import AppPasswordCommands, AppPasswordShown, listed_app_passwords
from services.directory.handlers.applications import ApplicationCommands, ApplicationShown, shown_application
from services.directory.handlers.credential_rows import applications
from services.directory.handlers.scram_keys import ScramKeyMaker
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.rpc.mailfold.directory.v1 import credentials_pb2 as pb
from shared.rpc.mailfold.directory.v1.credentials_pb2_grpc import CredentialsServicer


class CredentialCommands(NamedTuple):
    """The commands of this contract."""

    app_passwords: AppPasswordCommands
    applications: ApplicationCommands


class CredentialsEndpoint(StoreEndpoint, CredentialsServicer):
    """Turns requests into units of work and reads."""

    def __init__(self, store: EventStore, commands: CredentialCommands, keys: ScramKeyMaker) -> None:
        super().__init__(store)
        self._app_passwords, self._applications = commands
        self._keys = keys

    async def AddAppPassword(self, request: pb.AddAppPasswordRequest, context: Any) -> pb.AppPassword:
        scopes, networks = tuple(request.scopes), tuple(request.networks)
        asked = AppPasswordRequest(request.name, scopes, networks, request.expires_at)

        def add(tx: Transaction, provenance: Provenance) -> AppPasswordShown:
            added = self._app_passwords.add(tx, request.user, asked, provenance)
            state = added.state
            self._keys.remember(tx, state.user, state.id, added.text, provenance)
            return added

        await self._keys.ensure()
        added = await self._write(add)
        return _app_password(added.state, added.text)

    async def ListAppPasswords(self, request: pb.AppPasswordsRequest, context: Any) -> pb.AppPasswordList:
        states = await self._read(lambda reader: listed_app_passwords(reader, request.user))
        return pb.AppPasswordList(app_passwords=map(_app_password, states))

    async def RemoveAppPassword(self, request: pb.RemoveAppPasswordRequest, context: Any) -> pb.RemovedCredential:
        user, name = request.user, request.name
        removed = await self._write(lambda tx, provenance: self._app_passwords.remove(tx, user, name, provenance))
        return pb.RemovedCredential(name=removed)

    async def AddApplication(self, request: pb.AddApplicationRequest, context: Any) -> pb.Application:
        address, receives, limit = request.address, request.receives, request.mails_an_hour
        await self._keys.ensure()
        added = await self._write(
            lambda tx, provenance: self._with_keys(
                tx, self._applications.add(tx, address, receives, limit, provenance), provenance
            )
        )
        return _application(added.state, added.text)

    async def ChangeApplication(self, request: pb.ChangeApplicationRequest, context: Any) -> pb.Application:
        change = ApplicationChange(
            given(request, "receives"),
            given(request, "disabled"),
            given(request, "mails_an_hour"),
            given_limits(request),
        )
        return _application(
            await self._write(lambda tx, provenance: self._applications.change(tx, request.name, change, provenance))
        )

    async def RenameApplication(self, request: pb.RenameApplicationRequest, context: Any) -> pb.Application:
        name, address = request.name, request.address
        return _application(
            await self._write(lambda tx, provenance: self._applications.rename(tx, name, address, provenance))
        )

    async def RenewApplicationPassword(self, request: pb.ApplicationRequest, context: Any) -> pb.Application:
        await self._keys.ensure()
        renewed = await self._write(
            lambda tx, provenance: self._with_keys(
                tx, self._applications.new_password(tx, request.name, provenance), provenance
            )
        )
        return _application(renewed.state, renewed.text)

    async def ShowApplication(self, request: pb.ApplicationRequest, context: Any) -> pb.Application:
        return _application(await self._read(lambda reader: shown_application(reader, request.name)))

    async def ListApplications(self, request: pb.ApplicationsRequest, context: Any) -> pb.ApplicationList:
        return pb.ApplicationList(applications=map(_application, await self._read(applications)))

    async def RestoreApplication(self, request: pb.RestoreApplicationRequest, context: Any) -> pb.Application:
        archive, address, limit = request.archive, request.address, request.mails_an_hour
        await self._keys.ensure()
        restored = await self._write(
            lambda tx, provenance: self._with_keys(
                tx, self._applications.restore(tx, archive, address, limit, provenance), provenance
            )
        )
        return _application(restored.state, restored.text)

    def _with_keys(self, tx: Transaction, shown: ApplicationShown, provenance: Provenance) -> ApplicationShown:
        identity = shown.state.id
        self._keys.remember(tx, identity, identity, shown.text, provenance)
        return shown


def _app_password(state: AppPasswordState, text: str = "") -> pb.AppPassword:
    return pb.AppPassword(
        id=state.id,
        name=state.name,
        scopes=state.scopes,
        networks=state.networks,
        expires_at=state.expires_at,
        expired=state.expired,
        added_at=state.added_at,
        last_used_at=state.last_used_at,
        last_used_from=state.last_used_from,
        password=text,
    )


def _application(state: ApplicationState, text: str = "") -> pb.Application:
    return pb.Application(
        id=state.id,
        address=state.address,
        receives=state.receives,
        disabled=state.disabled,
        mails_an_hour=state.mails_an_hour,
        password=text,
        quota_bytes=state.quota_bytes,
        quota_messages=state.quota_messages,
        max_message_size=state.max_message_size,
    )
