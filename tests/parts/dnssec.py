"""Signed zones on nsd, and an unbound that validates them: DNSSEC with real parts."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from types import TracebackType

import dns.dnssec
import dns.dnssectypes
import dns.name
import dns.rdataset
import dns.rdtypes.ANY.DNSKEY
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

from tests.parts.child import Child, Folder
from tests.parts.ports import accepts, free_port

_NSD = """\
server:
  ip-address: 127.0.0.1@{port}
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  username: ""
  hide-version: yes
remote-control:
  control-enable: no
"""
_NSD_ZONE = """\
zone:
  name: "{name}"
  zonefile: "{name}.zone"
"""
_UNBOUND = """\
server:
  interface: 127.0.0.1@{port}
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  chroot: ""
  username: ""
  do-daemonize: no
  use-syslog: no
  logfile: ""
  num-threads: 1
  do-ip6: no
  do-not-query-localhost: no
  module-config: "validator iterator"
{anchors}remote-control:
  control-enable: no
"""
_UNBOUND_ZONE = """\
stub-zone:
  name: "{name}"
  stub-addr: 127.0.0.1@{port}
"""


class SignedZone:
    """A zone of (name, type, text), signed unless told otherwise."""

    def __init__(self, name: str, records: Iterable[tuple[str, str, str]], *, is_signed: bool = True) -> None:
        self.name = name
        self.is_signed = is_signed
        lines = [
            f"{name}. 60 IN SOA ns.{name}. admin.{name}. 1 3600 600 86400 60",
            f"{name}. 60 IN NS ns.{name}.",
            f"ns.{name}. 60 IN A 127.0.0.1",
            *(f"{owner}. 60 IN {kind} {text}" for owner, kind, text in records),
        ]
        self._zone = dns.zone.from_text("\n".join(lines), origin=f"{name}.", relativize=False)
        key = ec.generate_private_key(ec.SECP256R1())
        algorithm = dns.dnssectypes.Algorithm.ECDSAP256SHA256
        self.key: dns.rdtypes.ANY.DNSKEY.DNSKEY = dns.dnssec.make_dnskey(key.public_key(), algorithm, 257)
        if is_signed:
            dns.dnssec.sign_zone(self._zone, keys=[(key, self.key)], lifetime=86_400, dnskey_ttl=60)

    def tamper(self, owner: str, kind: str, text: str) -> None:
        """Replace the records of a name behind the back of the signatures."""
        changed = dns.rdataset.from_text("IN", kind, 60, text)
        self._zone.replace_rdataset(dns.name.from_text(owner), changed)

    def text(self) -> str:
        """The zone as a zone file."""
        return str(self._zone.to_text(relativize=False))


class ValidatingResolver:
    """`with ValidatingResolver([zone, …]) as dns: … dns.address`.

    A zone's key is its trust anchor; `anchors` replaces it for some zones, whose signatures are then broken.
    """

    def __init__(self, zones: Iterable[SignedZone], anchors: Mapping[str, SignedZone] | None = None) -> None:
        self._zones = list(zones)
        self._anchors = dict(anchors or {})
        self._folder = Folder("dnssec")
        self._port = free_port()
        self._authoritative_port = free_port()
        self._children: list[Child] = []

    @staticmethod
    def reason_missing() -> str | None:
        """None when both programs are installed."""
        missing = [name for name in ("nsd", "unbound") if _program(name) is None]
        return f"no {' and no '.join(missing)} (make parts, or apt install {' '.join(missing)})" if missing else None

    @property
    def address(self) -> str:
        """`host:port` of the validating resolver."""
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> ValidatingResolver:
        folder = self._folder.path
        for zone in self._zones:
            (folder / f"{zone.name}.zone").write_text(zone.text())
        self._start("nsd", self._authoritative_port, self._nsd())
        self._start("unbound", self._port, self._unbound())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self._children):
            child.stop()
        self._folder.close(keep=error is not None)

    def _start(self, name: str, port: int, config: str) -> None:
        folder = self._folder.path
        path = folder / f"{name}.conf"
        path.write_text(config)
        child = Child([_program(name) or name, "-d", "-c", str(path)], folder / f"{name}.log")
        self._children.append(child)
        child.wait_until(lambda: accepts(port))

    def _nsd(self) -> str:
        head = _NSD.format(port=self._authoritative_port, folder=self._folder.path)
        return head + "".join(_NSD_ZONE.format(name=zone.name) for zone in self._zones)

    def _unbound(self) -> str:
        anchors = "".join(
            f'  trust-anchor: "{zone.name}. IN DNSKEY {self._anchors.get(zone.name, zone).key.to_text()}"\n'
            for zone in self._zones
            if zone.is_signed
        )
        head = _UNBOUND.format(port=self._port, folder=self._folder.path, anchors=anchors)
        return head + "".join(
            _UNBOUND_ZONE.format(name=zone.name, port=self._authoritative_port) for zone in self._zones
        )


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
