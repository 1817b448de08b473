"""Serves the Ldap contract."""

from __future__ import annotations

from typing import Any

from services.directory.endpoints.refusals import as_contract_errors
from services.directory.handlers.ldap_report import LdapReport
from services.directory.handlers.ldap_sync import LdapSync
from shared.grpc.call import current_provenance
from shared.grpc.errors import Invalid
from shared.rpc.mailfold.directory.v1 import ldap_pb2 as pb
from shared.rpc.mailfold.directory.v1.ldap_pb2_grpc import LdapServicer


class LdapEndpoint(LdapServicer):
    """The methods about people and groups of a directory elsewhere."""

    def __init__(self, sync: LdapSync) -> None:
        self._sync = sync
        self._url = sync.url

    async def ShowLdap(self, request: pb.LdapRequest, context: Any) -> pb.LdapReport:
        return self._report(self._sync.last)

    async def SyncLdap(self, request: pb.SyncLdapRequest, context: Any) -> pb.LdapReport:
        self._check_url()
        with as_contract_errors():
            report = await self._sync.sync(
                current_provenance(), dry_run=request.dry_run, accept_missing=request.accept_missing
            )
        return self._report(report)

    async def LinkLdapUser(self, request: pb.LinkLdapUserRequest, context: Any) -> pb.LinkedLdapUser:
        self._check_url()
        with as_contract_errors():
            name = await self._sync.link(request.user, request.person or request.user, current_provenance())
        return pb.LinkedLdapUser(user=name)

    async def UnlinkLdapGroup(self, request: pb.UnlinkLdapGroupRequest, context: Any) -> pb.UnlinkedLdapGroup:
        with as_contract_errors():
            return pb.UnlinkedLdapGroup(group=await self._sync.unlink_group(request.group, current_provenance()))

    def _check_url(self) -> None:
        if not self._url:
            raise Invalid("ldap.url names no directory: `mailfold settings set ldap.url ldaps://…`", "setting")

    def _report(self, report: LdapReport) -> pb.LdapReport:
        return pb.LdapReport(
            url=self._url,
            read_at=report.at,
            people=report.people,
            users=report.users,
            added=report.added,
            missing=report.missing,
            disabled=report.disabled,
            back=report.back,
            groups=report.groups,
            groups_added=report.groups_added,
            groups_missing=report.groups_missing,
            joined=report.joined,
            left=report.left,
            problem=report.problem,
            skipped=report.skipped,
        )
