"""Serves the Directory contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.directory.adapters.passwords import PasswordHasher
from services.directory.domain.new_passwords import checked_password
from services.directory.domain.roles import RoleMail
from services.directory.domain.state import UserState
from services.directory.endpoints import wire
from services.directory.endpoints.names import NameCommands, NamesEndpoint, given, given_limits
from services.directory.endpoints.refusals import as_contract_errors
from services.directory.endpoints.sending import SendingCommands
from services.directory.handlers import load, load_groups
from services.directory.handlers.authentication import Authenticator, LoginAttempt
from services.directory.handlers.book import CurrentBook
from services.directory.handlers.commands import AccountOwner, DirectoryCommands
from services.directory.handlers.credential_rows import application_as_account
from services.directory.handlers.lockout_rows import last_login_at
from services.directory.handlers.scram_keys import ScramKeyMaker
from services.directory.handlers.settings import SettingCommands
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import current_provenance
from shared.grpc.errors import Invalid
from shared.protocol.address.address import Address, parse_address
from shared.protocol.address.domain import AddressError
from shared.routing.way import way_of
from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb


class DirectoryEndpoint(NamesEndpoint):
    """Turns requests into units of work and reads."""

    def __init__(
        self,
        store: EventStore,
        commands: DirectoryCommands,
        settings: SettingCommands,
        authentication: Authenticator,
        hasher: PasswordHasher,
        current: CurrentBook,
        roles: RoleMail,
        password_length: int,
        name_commands: NameCommands,
        sending: SendingCommands,
        keys: ScramKeyMaker,
    ) -> None:
        super().__init__(store, name_commands, sending)
        self._commands = commands
        self._settings = settings
        self._authentication = authentication
        self._hasher = hasher
        self._current = current
        self._roles = roles
        self._password_length = password_length
        self._keys = keys

    async def AddUser(self, request: pb.AddUserRequest, context: Any) -> pb.User:
        hashed = await self._hash_password(request.password)
        await self._keys.ensure()

        def add(tx: Transaction, provenance: Provenance) -> UserState:
            user = self._commands.add_user(tx, request.name, hashed, provenance)
            return self._with_keys(tx, user, request.password, provenance)

        return wire.user(await self._write(add))

    async def ChangeUser(self, request: pb.ChangeUserRequest, context: Any) -> pb.User:
        hashed = await self._hash_password(request.password) if request.HasField("password") else None
        disabled = given(request, "disabled")
        if hashed is not None:
            await self._keys.ensure()

        def change(tx: Transaction, provenance: Provenance) -> UserState:
            user = self._commands.change_user(tx, request.name, hashed, disabled, provenance)
            return self._with_keys(tx, user, request.password, provenance)

        return wire.user(await self._write(change))

    async def RemoveUser(self, request: pb.NameRequest, context: Any) -> pb.Removed:
        return pb.Removed(
            name=await self._write(lambda tx, provenance: self._commands.remove_user(tx, request.name, provenance))
        )

    async def ShowUser(self, request: pb.NameRequest, context: Any) -> pb.User:
        return wire.user(await self._read(lambda reader: load_groups.whole_user(reader, request.name)))

    async def ListUsers(self, request: pb.ListRequest, context: Any) -> pb.UserList:
        return pb.UserList(users=map(wire.user, await self._read(load.users)))

    async def AddAccount(self, request: pb.AddAccountRequest, context: Any) -> pb.Account:
        owner, limits = AccountOwner(request.user, request.group), given_limits(request)
        return wire.account(
            await self._write(
                lambda tx, provenance: self._commands.add_account(tx, request.address, owner, limits, provenance)
            )
        )

    async def ChangeAccount(self, request: pb.ChangeAccountRequest, context: Any) -> pb.Account:
        disabled, limits = given(request, "disabled"), given_limits(request)
        return wire.account(
            await self._write(
                lambda tx, provenance: self._commands.change_account(tx, request.address, disabled, limits, provenance)
            )
        )

    async def ShowAccount(self, request: pb.NameRequest, context: Any) -> pb.Account:
        def ask(reader: Reader) -> pb.Account:
            account = load.account(reader, request.name) or application_as_account(reader, request.name)
            state = load.existing("account", request.name, account)
            shown = wire.account(state, load.aliases_to(reader, state.address))
            shown.last_login_at = last_login_at(reader, state.id)
            return shown

        return await self._read(ask)

    async def ListAccounts(self, request: pb.ListRequest, context: Any) -> pb.AccountList:
        return pb.AccountList(accounts=map(wire.account, await self._read(load.accounts)))

    async def Resolve(self, request: pb.ResolveRequest, context: Any) -> pb.Resolution:
        try:
            return wire.resolution(self._roles.resolve(self._current.book, parse_address(request.address)))
        except AddressError as error:
            raise Invalid(f"not an address: {error.reason}", "invalid") from error

    async def ExplainAddress(self, request: pb.ResolveRequest, context: Any) -> pb.AddressWay:
        try:
            address = parse_address(request.address)
        except AddressError as error:
            raise Invalid(f"not an address: {error.reason}", "invalid") from error
        book = self._current.book
        return wire.address_way(self._roles.resolve(book, address), way_of(book, address))

    async def Authenticate(self, request: pb.AuthenticateRequest, context: Any) -> pb.Identity:
        attempt = LoginAttempt(
            request.login, request.password, request.protocol, request.address, request.authorization
        )
        with as_contract_errors():
            opened = await self._authentication.open(attempt)
        self._keys.logged_in(opened, request.password)
        return wire.identity(opened)

    async def MaySendAs(self, request: pb.MaySendAsRequest, context: Any) -> pb.MaySendAsReply:
        return pb.MaySendAsReply(refused=_refused_addresses(self._current, request.user, request.addresses))

    async def ListSettings(self, request: pb.ListRequest, context: Any) -> pb.SettingList:
        with as_contract_errors():
            return pb.SettingList(settings=map(wire.setting, self._settings.described()))

    async def ChangeSetting(self, request: pb.ChangeSettingRequest, context: Any) -> pb.Setting:
        with as_contract_errors():
            return wire.setting(await self._settings.change(request.name, request.value, current_provenance()))

    def _with_keys(self, tx: Transaction, user: UserState, password: str, provenance: Provenance) -> UserState:
        self._keys.remember(tx, user.id, user.id, password, provenance)
        return user

    async def _hash_password(self, password: str) -> str:
        with as_contract_errors():
            return await self._hasher.hash(checked_password(password, self._password_length))


def _refused_addresses(current: CurrentBook, user: str, addresses: Sequence[str]) -> list[str]:
    return [text for text in addresses if not _may_send_as(current, user, text)]


def _may_send_as(current: CurrentBook, user: str, text: str) -> bool:
    try:
        address: Address = parse_address(text)
    except AddressError:
        return False
    return current.book.may_send_as(user, address)
