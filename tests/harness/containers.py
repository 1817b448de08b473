"""Runs what a container of docker-compose.yml runs, as a process that sees the file system of the container.

A script mounts a small root folder (programs of this machine, the code where the image has it, the volumes and
temporary folders of the container), makes it read-only where the container is, and starts the command as the user of
the container, with its environment alone. The network is that of this machine.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.harness.compose_file import mounts, temporary_folders
from tests.harness.image import ROOT, Image
from tests.parts.child import Child

_CODE = "/opt/mailfold"
_OF_MACHINE = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "proc", "dev", "sys")
_ETC = ("ld.so.cache", "nsswitch.conf", "localtime", "resolv.conf", "mime.types", "services", "protocols")
_HOSTS = "127.0.0.1 localhost\n"


class Containers:
    """The containers and volumes of one project, below a folder of this machine."""

    def __init__(self, folder: Path, services: Mapping[str, Any], image: Image, changed: Mapping[str, str]) -> None:
        """`changed` are variables that are different here, such as ports; they change only where they are set."""
        self._folder = folder
        self._services = services
        self._image = image
        self._changed = changed
        for part in ("volumes", "scripts", "roots", "logs"):
            (folder / part).mkdir(parents=True, exist_ok=True)

    def volume(self, name: str) -> Path:
        """The folder of a volume on this machine."""
        return self._folder / "volumes" / name

    def log(self, name: str) -> Path:
        """The log of a container."""
        return self._folder / "logs" / f"{name}.log"

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a container."""
        service = self._services[name]
        given = {**self._image.environment, **self._of_files(service), **service.get("environment", {})}
        return {word: self._changed.get(word, str(value)) for word, value in given.items()}

    def start(self, name: str) -> Child:
        """Start the command of a container."""
        return Child([str(self.script(name, self._services[name]["command"]))], self.log(name), cwd=ROOT)

    def run(self, name: str, words: Sequence[str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a container to its end, with its own command or another one."""
        script = self.script(name, self._services[name]["command"] if words is None else words)
        return subprocess.run([str(script)], capture_output=True, text=True, timeout=120, cwd=ROOT)

    def run_program(self, name: str, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run another program than Mailfold in a container, as `docker compose exec` does."""
        script = self.script(name, words, entrypoint=())
        return subprocess.run([str(script)], capture_output=True, text=True, timeout=60, cwd=ROOT)

    def check_health(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run the health check of a container beside its command."""
        kind, *words = self._services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        return self.run_program(name, words)

    def script(self, name: str, words: Sequence[str], *, entrypoint: Sequence[str] | None = None) -> Path:
        """A program that runs these words, and its arguments, in the container."""
        service = self._services[name]
        start = self._image.entrypoint if entrypoint is None else entrypoint
        variables = [f"{word}={value}" for word, value in self.environment(name).items()]
        command = ["chroot", f"--userspec={service['user']}", "--groups=", str(self._root(name))]
        command += ["/usr/bin/env", "-i", *variables, *start, *words]
        inside = "\n".join((*self._mounts(name, service), _limits(service), f'exec {shlex.join(command)} "$@"'))
        script = self._folder / "scripts" / f"{name}-{abs(hash((tuple(words), tuple(start))))}"
        script.write_text(
            f'#!/bin/sh\nexec unshare --mount --propagation private sh -euc {shlex.quote(inside)} sh "$@"\n'
        )
        script.chmod(0o755)
        return script

    def _root(self, name: str) -> Path:
        path = self._folder / "roots" / name
        path.mkdir(exist_ok=True)
        return path

    def _mounts(self, name: str, service: Mapping[str, Any]) -> list[str]:
        root = self._root(name)
        lines = [f"mount -t tmpfs -o mode=0755 tmpfs {root}", f"cd {root}", "mkdir -p etc opt/mailfold tmp run var/lib"]
        lines += [_of_machine(entry) for entry in _OF_MACHINE if Path("/", entry).exists()]
        files = [f"/etc/{entry}" for entry in _ETC if Path("/etc", entry).exists()]
        lines += [f"cp -a {' '.join(files)} etc/", "mkdir etc/ssl", "mount --bind -o ro /etc/ssl etc/ssl"]
        lines.append(f"echo {shlex.quote(_HOSTS)} > etc/hosts")
        for path in (".venv", *self._image.code):
            lines += [f"mkdir -p .{_CODE}/{path}", f"mount --bind -o ro {ROOT}/{path} .{_CODE}/{path}"]
        lines.append("echo 'mailfold:x:10001:10001::/var/lib/mailfold:/usr/sbin/nologin' > etc/passwd")
        lines += ["mkdir -p ./etc/mailfold ./var/lib/mailfold ./run/mailfold", "chmod 1777 tmp"]
        read_only = [f"mount -o remount,ro,bind {root}"] if service.get("read_only") else []
        return [*lines, *self._places(service), *read_only]

    def _places(self, service: Mapping[str, Any]) -> list[str]:
        """Mounts volumes and temporary folders; what is nearer to the root comes first, as in Docker."""
        volumes, temporary = mounts(service), temporary_folders(service)
        lines = []
        for path in sorted({*volumes, *temporary}, key=lambda path: (path.count("/"), path)):
            lines.append(f"mkdir -p .{path}")
            if path in temporary:
                lines.append(f"mount -t tmpfs -o {temporary[path]} tmpfs .{path}")
                continue
            volume, may_write = volumes[path]
            lines.append(f"mount --bind {self._volume_for(volume, path)} .{path}")
            lines += [] if may_write else [f"mount -o remount,bind,ro .{path}"]
        return lines

    def _volume_for(self, volume: str, path: str) -> Path:
        """The folder of a volume. A new one takes owner and mode of the folder in the image, else it is root's."""
        folder = self.volume(volume)
        if not folder.exists():
            folder.mkdir(mode=0o755)
            if path in self._image.folders:
                user, _, group = self._image.user.partition(":")
                os.chown(folder, int(user), int(group))
                folder.chmod(self._image.folders[path])
        return folder

    def _of_files(self, service: Mapping[str, Any]) -> dict[str, str]:
        """The variables of `env_file`; a file that is not there must not be required."""
        variables: dict[str, str] = {}
        for entry in service.get("env_file", []):
            file = self._folder / entry["path"]
            if not file.exists():
                assert entry.get("required") is False
                continue
            pairs = [line.partition("=") for line in file.read_text("utf-8").splitlines() if line]
            variables |= {name: value for name, _, value in pairs}
        return variables


def _limits(service: Mapping[str, Any]) -> str:
    """Sets the number of open files, where this machine allows so many."""
    limits = service.get("ulimits", {}).get("nofile")
    return f"ulimit -n {limits['soft']} 2>/dev/null || true" if limits else "true"


def _of_machine(entry: str) -> str:
    path = Path("/", entry)
    if path.is_symlink():
        return f"ln -s {path.readlink()} {entry}"
    return f"mkdir {entry}; mount --rbind {path} {entry}"
