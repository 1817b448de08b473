"""The sources of scripts, asked for once and kept by their digest."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from shared.grpc.channel import Channel
from shared.grpc.errors import NotFound
from shared.rpc.mailfold.mailstore.v1.scripts_pb2 import GetScriptRequest
from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import ScriptsStub

KEPT_OCTETS = 16 << 20
"""Octets of sources that are kept."""


class ScriptSource(NamedTuple):
    """A script as its owner has written it."""

    name: str
    digest: str
    source: bytes


class ScriptSources:
    """The sources that were used last, with a bound in octets."""

    def __init__(self, mailstore: Channel, kept_octets: int = KEPT_OCTETS) -> None:
        self._scripts = ScriptsStub(mailstore)
        self._most = kept_octets
        self._octets = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    async def in_place(self, owner: str, place: str, digest: str = "", name: str = "") -> ScriptSource | None:
        """The script in a place; None when there is none any more. Raises ServiceError.

        With the digest that is known of it, nobody is asked when this source is kept.
        """
        kept = self._kept.get(digest)
        if kept is not None:
            self._kept.move_to_end(digest)
            return ScriptSource(name, digest, kept)
        return await self._asked(GetScriptRequest(owner=owner, place=place))

    async def named(self, owner: str, name: str) -> ScriptSource | None:
        """The script with a name, as it is now; None when there is none. Raises ServiceError."""
        return await self._asked(GetScriptRequest(owner=owner, name=name))

    async def _asked(self, request: GetScriptRequest) -> ScriptSource | None:
        try:
            script = (await self._scripts.GetScript(request)).script
        except NotFound:
            return None
        source = script.source.encode()
        self._keep(script.digest, source)
        return ScriptSource(script.name, script.digest, source)

    def _keep(self, digest: str, source: bytes) -> None:
        replaced = self._kept.pop(digest, b"")
        self._kept[digest] = source
        self._octets += len(source) - len(replaced)
        while self._octets > self._most and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._octets -= len(dropped)
