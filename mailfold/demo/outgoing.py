"""Lets the demo's outgoing mail go to the sink, so that nothing leaves the machine by accident."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import TYPE_CHECKING

import msgspec

from mailfold.demo.ports import LOOPBACK
from mailfold.operator.running import answers
from mailfold.operator.session import Session, with_fresh_command_id
from shared.places import Places
from shared.tls.private_files import write_private

if TYPE_CHECKING:
    from shared.rpc.mailfold.directory.v1.directory_pb2 import Relay

_FILE = "demo-relay.json"
_PRESET = "smarthost"


class OutgoingMail(msgspec.Struct, frozen=True):
    """Where the mail to other servers goes."""

    goes_to_sink: bool
    note: str
    """A sentence for the operator."""


class _DemoPorts(msgspec.Struct, frozen=True):
    """What the demo remembers of its relay."""

    port: int = 0
    """The port of the relay that was set."""
    intended: int = 0
    """The port of a relay that is about to be set: the demo may end in between."""


def last_port(places: Places) -> int:
    """The port of the sink at the last start; 0 at the first."""
    return _read_ports(places).port


def set_relay_before_start(places: Places, port: int) -> None:
    """Set the relay of an installation that is not new before it starts, when its sink had another port or none.

    Mail that waits there would be sent before the relay is set. This is done in a process of its own, because the
    launcher must not import gRPC.
    """
    with contextlib.suppress(PermissionError):  # the start says who may use the folder
        if places.operator.exists() and last_port(places) != port and not answers(places, "directory"):
            _set_in_another_process(places, port)


def _set_in_another_process(places: Places, port: int) -> None:
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _set_and_leave(places, port)
    if os.waitpid(pid, 0)[1] != 0:
        print("mailfold: the relay to the sink is set when the server runs", file=sys.stderr, flush=True)


async def ensure_relay(session: Session, port: int) -> OutgoingMail:
    """Make the sink the default relay, unless the operator has set another default relay."""
    from shared.rpc.mailfold.directory.v1 import directory_pb2 as pb
    from shared.rpc.mailfold.directory.v1.directory_pb2_grpc import DirectoryStub

    stub = DirectoryStub(await session.owner("directory"))
    relays = (await stub.ListRelays(pb.ListRequest())).relays
    default = next((relay for relay in relays if not relay.domain), None)
    others = [relay.domain for relay in relays if relay.domain]
    if default is not None and not _is_ours(session.places, default):
        where = f"{default.host} port {default.port}" if default.host else "the MX hosts"
        return OutgoingMail(
            False, f"Mail to other servers LEAVES this machine: your default relay sends it to {where}."
        )
    if default is None or default.port != port:
        request = pb.SetRelayRequest(preset=_PRESET, host=LOOPBACK, port=port, tls="none")
        _write_ports(session.places, _DemoPorts(last_port(session.places), port))
        with with_fresh_command_id():
            await stub.SetRelay(request)
    _write_ports(session.places, _DemoPorts(port))
    note = f"Mail to other servers does not leave this machine: a sink at {LOOPBACK} port {port} keeps it."
    if others:
        note += f" Only mail of {', '.join(others)} does, through the relays that you have set."
    return OutgoingMail(True, note)


def _is_ours(places: Places, relay: Relay) -> bool:
    """Whether the demo made this relay."""
    looks_so = (relay.preset, relay.host, relay.tls, relay.user) == (_PRESET, LOOPBACK, "none", "")
    kept = _read_ports(places)
    return looks_so and relay.port in (kept.port, kept.intended)


def _read_ports(places: Places) -> _DemoPorts:
    try:
        return msgspec.json.decode((places.data / _FILE).read_bytes(), type=_DemoPorts)
    except (OSError, msgspec.DecodeError):
        return _DemoPorts()


def _write_ports(places: Places, kept: _DemoPorts) -> None:
    write_private(places.data / _FILE, msgspec.json.encode(kept))


def _set_and_leave(places: Places, port: int) -> None:
    """Set the relay and end; run in a forked process."""
    from mailfold.operator.session import converse

    status = 1
    try:
        converse(places.data, lambda session: ensure_relay(session, port))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
