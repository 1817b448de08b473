"""Which calls with the operator's credential are refused in the name of a user, before a service sees them."""

from __future__ import annotations

import pytest

from shared.grpc.policy import may_call, needs_operator
from shared.rpc.mailfold.ingress.v1 import ingress_pb2

OWN_MAIL = {"ListWaiting", "ReleaseWaiting", "CancelWaiting"}
"""The only methods of the ingress that ask the directory for the rights of a user."""


def test_a_user_reaches_no_other_method_of_the_ingress() -> None:
    methods = [method.name for method in ingress_pb2.DESCRIPTOR.services_by_name["Ingress"].methods]
    path = "/mailfold.ingress.v1.Ingress/{}"
    open_to_users = {name for name in methods if not needs_operator("operator", "ingress", path.format(name), "user")}
    assert open_to_users == OWN_MAIL
    assert not any(needs_operator("operator", "ingress", path.format(name), "operator") for name in methods)


@pytest.mark.parametrize("service", ["mailstore", "outbound", "delivery", "classifier", "eventlog"])
def test_the_names_of_its_methods_open_nothing_at_other_services(service: str) -> None:
    for path in (f"/mailfold.{service}.v1.{service.title()}/CancelWaiting", "/mailfold.owner.v1.Owner/Verify"):
        assert needs_operator("operator", service, path, "user")


def test_the_directory_judges_itself() -> None:
    assert not needs_operator("operator", "directory", "/mailfold.directory.v1.Directory/AddUser", "user")


def test_ingress_delivery_mailstore_and_eventlog_ask_for_the_rights_of_users() -> None:
    callers = ("ingress", "delivery", "outbound", "mailstore", "classifier", "access", "eventlog")
    asking = [name for name in callers if may_call(name, "directory", "mailfold.directory.v1.MailRights/AccountsOf")]
    assert asking == ["ingress", "delivery", "mailstore", "eventlog"]
