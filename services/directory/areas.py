"""The areas of the directory: its projections, and the contracts that need nothing of the others.

A new area is added here.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.directory.endpoints.addressees import AddresseesEndpoint
from services.directory.endpoints.all_mail import AllMailEndpoint
from services.directory.endpoints.archives import ArchivesEndpoint
from services.directory.endpoints.blocking import BlockingEndpoint
from services.directory.endpoints.erasures import ErasuresEndpoint
from services.directory.endpoints.expiry import ExpiryRulesEndpoint
from services.directory.endpoints.groups import GroupsEndpoint
from services.directory.endpoints.lists import ListsEndpoint
from services.directory.endpoints.moderators import ModeratorsEndpoint
from services.directory.endpoints.protocols import ProtocolsEndpoint
from services.directory.endpoints.return_paths import ReturnPathsEndpoint
from services.directory.endpoints.roles import RolesEndpoint
from services.directory.endpoints.send_as import SendAsEndpoint
from services.directory.endpoints.sharing import SharingEndpoint
from services.directory.endpoints.signatures import SignaturesEndpoint
from services.directory.handlers.archives import ArchiveCommands
from services.directory.handlers.book import CurrentBook
from services.directory.handlers.groups import GroupCommands
from services.directory.handlers.lists import ListCommands
from services.directory.handlers.moderators import ModeratorCommands
from services.directory.handlers.return_paths import ReturnPathCommands
from services.directory.projections.account_switches import AllMailProjection, Pop3SwitchProjection
from services.directory.projections.archives import ArchiveProjection
from services.directory.projections.blocking import BlockingProjection
from services.directory.projections.bulk import BulkProjection
from services.directory.projections.configuration import ConfigurationProjection
from services.directory.projections.credentials import CredentialsProjection
from services.directory.projections.erasures import ErasureProjection
from services.directory.projections.expiry import ExpiryRuleProjection
from services.directory.projections.groups import GroupsProjection
from services.directory.projections.ldap import LdapProjection
from services.directory.projections.lists import ListProjection
from services.directory.projections.lockouts import LockoutProjection
from services.directory.projections.moderators import ModeratorProjection
from services.directory.projections.return_paths import ReturnPathProjection
from services.directory.projections.rights import RightsProjection
from services.directory.projections.send_as import SendAsProjection
from services.directory.projections.sending import SendingProjection
from services.directory.projections.sharing import SharingProjection
from services.directory.projections.signatures import SignatureProjection
from services.directory.projections.size_limits import SizeLimitProjection
from services.directory.projections.verifiers import VerifierProjection
from services.directory.settings import DirectorySettings, MailboxSettings
from shared.eventstore.store import EventStore
from shared.grpc.servicers import Registration
from shared.rpc.mailfold.directory.v1.addressees_pb2_grpc import add_AddresseesServicer_to_server
from shared.rpc.mailfold.directory.v1.allmail_pb2_grpc import add_AllMailServicer_to_server
from shared.rpc.mailfold.directory.v1.archives_pb2_grpc import add_ArchivesServicer_to_server
from shared.rpc.mailfold.directory.v1.blocking_pb2_grpc import add_BlockingServicer_to_server
from shared.rpc.mailfold.directory.v1.erasures_pb2_grpc import add_ErasuresServicer_to_server
from shared.rpc.mailfold.directory.v1.expiry_pb2_grpc import add_ExpiryRulesServicer_to_server
from shared.rpc.mailfold.directory.v1.groups_pb2_grpc import add_GroupsServicer_to_server
from shared.rpc.mailfold.directory.v1.lists_pb2_grpc import add_ListsServicer_to_server
from shared.rpc.mailfold.directory.v1.moderators_pb2_grpc import add_ModeratorsServicer_to_server
from shared.rpc.mailfold.directory.v1.protocols_pb2_grpc import add_ProtocolsServicer_to_server
from shared.rpc.mailfold.directory.v1.returnpaths_pb2_grpc import add_ReturnPathsServicer_to_server
from shared.rpc.mailfold.directory.v1.roles_pb2_grpc import add_RolesServicer_to_server
from shared.rpc.mailfold.directory.v1.sendas_pb2_grpc import add_SendAsServicer_to_server
from shared.rpc.mailfold.directory.v1.sharing_pb2_grpc import add_SharingServicer_to_server
from shared.rpc.mailfold.directory.v1.signatures_pb2_grpc import add_SignaturesServicer_to_server
from shared.secrets.keyring import Keyring
from shared.service import Host
from shared.time_zones import is_time_zone

_SERVICE = "directory"
PROJECTIONS = (
    ConfigurationProjection,
    SendingProjection,
    ReturnPathProjection,
    RightsProjection,
    LdapProjection,
    BlockingProjection,
    SignatureProjection,
    CredentialsProjection,
    ListProjection,
    ArchiveProjection,
    ErasureProjection,
    BulkProjection,
    SendAsProjection,
    ExpiryRuleProjection,
    GroupsProjection,
    SharingProjection,
    AllMailProjection,
    Pop3SwitchProjection,
    SizeLimitProjection,
    ModeratorProjection,
    LockoutProjection,
    VerifierProjection,
)


def areas(host: Host, store: EventStore, current: CurrentBook) -> Sequence[Registration]:
    """The contracts of areas that need nothing of the others."""
    return_paths = ReturnPathCommands(store, host.ids, host.clock, Keyring(host.places))
    lists = ListCommands(current, host.clock, host.ids)
    moderators = ModeratorsEndpoint(store, ModeratorCommands(current, lists), host.channel("delivery", _SERVICE))
    archives = ArchivesEndpoint(store, archive_commands(host), host.section(DirectorySettings).postmaster)
    return (
        (add_ReturnPathsServicer_to_server, ReturnPathsEndpoint(store, return_paths)),
        (add_BlockingServicer_to_server, BlockingEndpoint(store)),
        (add_RolesServicer_to_server, RolesEndpoint(store)),
        (add_SignaturesServicer_to_server, SignaturesEndpoint(store)),
        (add_ListsServicer_to_server, ListsEndpoint(store, lists)),
        (add_ModeratorsServicer_to_server, moderators),
        (add_ArchivesServicer_to_server, archives),
        (add_ErasuresServicer_to_server, ErasuresEndpoint(store)),
        (add_SendAsServicer_to_server, SendAsEndpoint(store)),
        (add_ExpiryRulesServicer_to_server, ExpiryRulesEndpoint(store)),
        (add_ProtocolsServicer_to_server, ProtocolsEndpoint(store, host.section(DirectorySettings))),
        (add_AllMailServicer_to_server, AllMailEndpoint(store, host.section(MailboxSettings))),
        (add_SharingServicer_to_server, SharingEndpoint(store, current)),
        (add_AddresseesServicer_to_server, AddresseesEndpoint(store, current)),
        (add_GroupsServicer_to_server, GroupsEndpoint(store, GroupCommands(host.ids, is_time_zone))),
    )


def archive_commands(host: Host) -> ArchiveCommands:
    """The commands on archives, with the time that names of removed accounts stay taken."""
    return ArchiveCommands(host.clock, host.section(DirectorySettings).archive_days)
