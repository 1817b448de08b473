"""An OpenLDAP server with people, encrypted with StartTLS."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

import ldap3

from tests.parts.certificate import self_signed
from tests.parts.child import Child, Folder
from tests.parts.ports import accepts, free_port

BASE = "ou=people,dc=example,dc=org"
GROUP_BASE = "ou=groups,dc=example,dc=org"
ADMIN, ADMIN_PASSWORD = "cn=admin,dc=example,dc=org", "admin secret"
_PROGRAM = "/usr/sbin/slapd"
_CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {certificate}
TLSCertificateKeyFile {certificate}
TLSVerifyClient never
pidfile {folder}/slapd.pid
database mdb
suffix "dc=example,dc=org"
rootdn "{admin}"
rootpw "{password}"
directory {folder}/db
maxsize 104857600
limits dn.exact="cn=reader,dc=example,dc=org" size=500 size.prtotal=1500
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=example,dc=org" read by anonymous auth by * none
"""
READER, READER_PASSWORD = "cn=reader,dc=example,dc=org", "reader secret"


class Slapd:
    """`with Slapd() as slapd: slapd.add("ann", "password", "ann@example.org")`."""

    def __init__(self) -> None:
        self._folder = Folder("slapd")
        self.port = free_port()
        self._tls_port = free_port()
        self.certificate = Path()
        """The file of its certificate, which is its own authority."""
        self._child: Child | None = None

    @staticmethod
    def reason_missing() -> str | None:
        """None when the program is installed."""
        return None if shutil.which(_PROGRAM) else "no slapd (make parts, or apt install slapd)"

    @property
    def url(self) -> str:
        """Where it listens; its certificate has the name localhost."""
        return f"ldap://localhost:{self.port}"

    @property
    def tls_url(self) -> str:
        """Where it listens with TLS from the first octet."""
        return f"ldaps://localhost:{self._tls_port}"

    def __enter__(self) -> Slapd:
        folder = self._folder.path
        (folder / "db").mkdir()
        self.certificate = self_signed(folder, "localhost")
        config = folder / "slapd.conf"
        config.write_text(
            _CONFIG.format(folder=folder, certificate=self.certificate, admin=ADMIN, password=ADMIN_PASSWORD)
        )
        self.start()
        self._write("add", "dc=example,dc=org", ["dcObject", "organization"], {"dc": "example", "o": "example"})
        self._write("add", BASE, "organizationalUnit", {"ou": "people"})
        self._write("add", GROUP_BASE, "organizationalUnit", {"ou": "groups"})
        reader = {"cn": "reader", "sn": "reader", "userPassword": READER_PASSWORD}
        self._write("add", READER, "person", reader)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._folder.close(keep=error is not None)

    def start(self) -> None:
        """Start it with the people it had."""
        folder = self._folder.path
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self._tls_port}/"
        argv = [_PROGRAM, "-d", "0", "-f", str(folder / "slapd.conf"), "-h", urls]
        self._child = Child(argv, folder / "slapd.log")
        self._child.wait_until(lambda: accepts(self.port))

    def stop(self) -> None:
        """Stop it."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def add(self, name: str, password: str, *addresses: str, place: str = BASE) -> None:
        """Add a person."""
        values: dict[str, Any] = {"cn": name, "sn": name, "uid": name, "userPassword": password}
        if addresses:
            values["mail"] = list(addresses)
        self._write("add", f"uid={name},{place}", "inetOrgPerson", values)

    def add_many(self, places: range) -> None:
        """Add people over one connection; a search gives at most 1,500."""
        with self._connected() as connection:
            for place in places:
                name = f"many{place}"
                connection.add(f"uid={name},{BASE}", "inetOrgPerson", {"cn": name, "sn": name, "uid": name})

    def add_group(self, name: str, *members: str, kind: str = "groupOfNames", mail: str = "") -> None:
        """Add a group. Members are names of people, or with `cn=` those of groups."""
        if kind == "posixGroup":
            self._write("add", group_dn(name), [kind], {"cn": name, "gidNumber": 1, "memberUid": list(members)})
            return
        field = "uniqueMember" if kind == "groupOfUniqueNames" else "member"
        values: dict[str, Any] = {"cn": name, field: [member_dn(member) for member in members]}
        if mail:
            values["mail"] = mail
        self._write("add", group_dn(name), [kind, "extensibleObject"], values)

    def set_members(self, name: str, *members: str) -> None:
        """Change the members of a groupOfNames."""
        self._write("modify", group_dn(name), {"member": [(ldap3.MODIFY_REPLACE, [*map(member_dn, members)])]})

    def remove_group(self, name: str) -> None:
        """Remove a group."""
        self._write("delete", group_dn(name))

    def rename_group(self, name: str, new: str) -> None:
        """Give a group another name, and so another DN."""
        self._write("modify_dn", group_dn(name), f"cn={new}")

    def change(self, name: str, **values: str) -> None:
        """Change attributes of a person; an empty text takes one away."""
        changes = {field: [(ldap3.MODIFY_REPLACE, [value] if value else [])] for field, value in values.items()}
        self._write("modify", member_dn(name), changes)

    def remove(self, name: str) -> None:
        """Remove a person."""
        self._write("delete", f"uid={name},{BASE}")

    def rename(self, name: str, new: str) -> None:
        """Give a person another name, and so another DN."""
        self._write("modify_dn", f"uid={name},{BASE}", f"uid={new}")

    def set_password(self, name: str, password: str) -> None:
        """Change a person's password."""
        self._write("modify", f"uid={name},{BASE}", {"userPassword": [(ldap3.MODIFY_REPLACE, [password])]})

    def _write(self, method: str, *arguments: Any) -> None:
        with self._connected() as connection:
            getattr(connection, method)(*arguments)

    def _connected(self) -> ldap3.Connection:
        server = ldap3.Server("127.0.0.1", self.port, get_info=ldap3.NONE)
        return ldap3.Connection(server, ADMIN, ADMIN_PASSWORD, raise_exceptions=True)


def member_dn(name: str) -> str:
    """The name of the entry of a person, or with `cn=` of a group."""
    return f"{name},{GROUP_BASE}" if name.startswith("cn=") else f"uid={name},{BASE}"


def group_dn(name: str) -> str:
    """The name of the entry of a group."""
    return f"cn={name},{GROUP_BASE}"


def settings_of(slapd: Slapd) -> dict[str, str]:
    """The settings with which Mailfold follows its people, as variables of the environment."""
    return {
        "MAILFOLD_LDAP_URL": slapd.url,
        "MAILFOLD_LDAP_CA_FILE": str(slapd.certificate),
        "MAILFOLD_LDAP_BIND_DN": READER,
        "MAILFOLD_LDAP_BIND_PASSWORD": READER_PASSWORD,
        "MAILFOLD_LDAP_BASE": BASE,
        "MAILFOLD_LDAP_GROUP_BASE": GROUP_BASE,
        "MAILFOLD_LDAP_SYNC_SECONDS": "86400",
        "MAILFOLD_LDAP_DISABLE_AFTER_DAYS": "0",
        "MAILFOLD_LDAP_REMEMBER_SECONDS": "0",
    }
