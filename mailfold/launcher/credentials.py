"""Makes the tokens with which processes call each other.

Tokens are never on disk, and never in the memory of the launcher, which its children inherit. A separate process makes
them, and passes each process its part in a file without a name.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import msgspec

from mailfold.layouts import Layout
from mailfold.operator.running import read_tokens
from shared.grpc.credentials import CallTokens, digest
from shared.grpc.policy import OPERATOR, may_reach
from shared.places import Places
from shared.tls.private_files import write_private

_OCTETS = 32
_OF_OLDER_RELEASES = "credentials.json"
"""A file in `secrets` of older releases: the secrets of all services, which every process could read."""
_SEALS = ("F_SEAL_WRITE", "F_SEAL_GROW", "F_SEAL_SHRINK", "F_SEAL_SEAL")


class Parts:
    """The open files with the part of each process. The launcher keeps them for processes that are started again."""

    def __init__(self, files: Mapping[str, int]) -> None:
        self._files = dict(files)

    def take(self, process: str) -> CallTokens:
        """Read the part of this process and close all files; called in the process itself."""
        file = self._files[process]
        part = os.pread(file, os.fstat(file).st_size, 0)
        self.close()
        return msgspec.json.decode(part, type=CallTokens)

    def close(self) -> None:
        """Close all files; called in a process that calls no service."""
        for open_file in self._files.values():
            os.close(open_file)
        self._files.clear()


def make_parts(places: Places, layout: Layout) -> Parts:
    """Make all tokens anew, except those of the operator, because commands may be running. Raises OSError."""
    files = {process: _nameless_file(process) for process in layout}
    pid = os.fork()
    if pid == 0:
        _make_and_leave(places, layout, files)
    if os.waitpid(pid, 0)[1] != 0:
        raise OSError(f"the credentials of the services cannot be made; is {places.secrets} writable?")
    for file in files.values():
        _seal(file)
    return Parts(files)


def operator_tokens(places: Places, services: Iterable[str], token: Callable[[], str]) -> dict[str, str]:
    """The operator's token for each service, in a file that only its owner can read; missing ones are made."""
    known = read_tokens(places) if _is_ours(places) else {}
    tokens = {service: known.get(service) or token() for service in services}
    if tokens != known:
        write_private(places.operator, msgspec.json.encode(tokens))
    (places.secrets / _OF_OLDER_RELEASES).unlink(missing_ok=True)
    return tokens


def parts_of(
    layout: Layout,
    operator: Mapping[str, str],
    token: Callable[[], str],
    known: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> dict[str, CallTokens]:
    """The tokens that each process shows and accepts: one for each permitted pair that is not in the same process.

    `known` has tokens that stay the same, by caller and service.
    """
    homes = {service: process for process, services in layout.items() for service in services}
    tokens = {(OPERATOR, service): operator[service] for service in homes}
    for caller, home in homes.items():
        others = (service for service in homes if homes[service] != home and may_reach(caller, service))
        tokens |= {(caller, service): known.get((caller, service)) or token() for service in others}
    return {process: _part(services, tokens) for process, services in layout.items()}


def _part(services: Iterable[str], tokens: Mapping[tuple[str, str], str]) -> CallTokens:
    shown: dict[str, dict[str, str]] = {service: {} for service in services}
    accepted: dict[str, dict[str, str]] = {service: {} for service in services}
    for (caller, service), token in tokens.items():
        if caller in shown:
            shown[caller][service] = token
        if service in accepted:
            accepted[service][caller] = digest(token)
    return CallTokens(shown, accepted)


def _make_and_leave(places: Places, layout: Layout, files: Mapping[str, int]) -> None:
    """Make the tokens and end; run in a forked process, whose memory ends with it."""
    status = 1
    try:
        services = [service for services in layout.values() for service in services]
        operator = operator_tokens(places, services, new_token)
        for process, part in parts_of(layout, operator, new_token).items():
            os.pwrite(files[process], msgspec.json.encode(part), 0)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(_OCTETS)


def _is_ours(places: Places) -> bool:
    """Whether the file belongs to this user; processes of another launcher's user could read theirs."""
    try:
        return places.operator.lstat().st_uid == os.geteuid()
    except OSError:
        return False


def _nameless_file(process: str) -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create(f"mailfold-{process}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _seal(file: int) -> None:
    """Seal the file, so that a process cannot change what its successor accepts. Linux only."""
    if hasattr(os, "memfd_create"):
        seals = 0
        for name in _SEALS:
            seals |= getattr(fcntl, name)
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
