"""ops/docker/Dockerfile makes a small image: pinned packages with hashes, no root, and nothing of this machine."""

from __future__ import annotations

import re
from fnmatch import fnmatch

import pytest

from mailfold.layouts import START_ORDER
from tests.harness.image import ROOT, read_image

IMAGE = read_image()
LOCK, OURS = ROOT / "requirements.lock", ROOT / "ops" / "docker" / "requirements.lock"


def packages(text: str) -> dict[str, frozenset[str]]:
    """Every pinned package with its hashes."""
    entries = re.split(r"\n(?=\S)", text.replace("\\\n", " "))
    return {entry.split(" ")[0]: frozenset(re.findall(r"sha256:\w+", entry)) for entry in entries if "==" in entry}


def test_the_service_runs_as_its_own_user() -> None:
    assert IMAGE.user == "10001:10001"
    assert not any("sudo" in rest or "chmod 777" in rest for _, rest in IMAGE.instructions)


def test_both_stages_have_the_same_base_with_a_release() -> None:
    bases = {rest.split(" ")[0] for word, rest in IMAGE.instructions if word == "FROM"}
    assert bases == {"python:3.11-slim-bookworm"}


def test_packages_are_installed_by_hash() -> None:
    installs = [rest for word, rest in IMAGE.instructions if word == "RUN" and "pip install" in rest]
    assert len(installs) == 1 and "--require-hashes" in installs[0] and "--no-deps" in installs[0]


def test_what_is_installed_is_a_part_of_what_is_tested() -> None:
    tested, ours = packages(LOCK.read_text("utf-8")), packages(OURS.read_text("utf-8"))
    assert {name: tested.get(name) for name in ours} == ours, "run `make lock`"
    names = {name.partition("==")[0] for name in ours}
    assert not names & {"pytest", "mypy", "selenium"}


@pytest.mark.parametrize("package", ["grpcio", "psycopg", "nats-py", "cryptography", "msgspec", "opensearch-py"])
def test_what_services_import_is_installed(package: str) -> None:
    assert package in {name.partition("==")[0] for name in packages(OURS.read_text("utf-8"))}


def test_only_code_goes_to_the_builder() -> None:
    rules = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    kept = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert rules[1:2] == ["*"]
    copied = [rest.split(" ")[0] for word, rest in IMAGE.instructions if word == "COPY" and "--from" not in rest]
    assert sorted(copied) == sorted(kept)
    assert all((ROOT / path).exists() and not fnmatch(path, "*.env") for path in copied)


def test_the_image_has_a_folder_for_each_volume_of_each_service() -> None:
    for service in START_ORDER:
        assert IMAGE.folders[f"/var/lib/mailfold/run/{service}"] == 0o700
        assert IMAGE.folders[f"/run/mailfold/{service}"] == 0o700


def test_files_that_services_read_are_in_the_image() -> None:
    """Code names files outside of the packages by a path from its own place."""
    for file in [*(ROOT / "services").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]:
        for words in re.findall(r'parents\[\d\]((?: / "[\w.-]+")+)', file.read_text("utf-8")):
            path = "/".join(re.findall(r'"([\w.-]+)"', words))
            assert any(path.startswith(f"{folder}/") for folder in IMAGE.code), f"{file.name} reads {path}"
