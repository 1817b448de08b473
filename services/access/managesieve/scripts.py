"""The commands on scripts (RFC 5804 §2.5 to §2.12)."""

from __future__ import annotations

from collections.abc import Iterable

from services.access.managesieve.session import ManageSieveSession
from shared.events.scripts import ACTIVE
from shared.grpc.errors import Invalid
from shared.protocol.managesieve import commands as c
from shared.protocol.managesieve import response
from shared.rpc.mailfold.mailstore.v1 import scripts_pb2 as pb


async def have_space(session: ManageSieveSession, command: c.HaveSpace) -> bytes:
    """Say whether a script of this size may be stored (RFC 5804 §2.5)."""
    most_octets = session.dependencies.sieve.script_octets
    if command.size > most_octets:
        return response.no(f"A script has at most {most_octets} octets", b"QUOTA/MAXSIZE")
    listed = await session.dependencies.scripts.listed(session.account)
    is_new = all(script.name != command.name for script in listed.scripts)
    if is_new and len(listed.scripts) >= listed.most_scripts:
        return response.no(f"There are {len(listed.scripts)} scripts, and no more can be stored", b"QUOTA/MAXSCRIPTS")
    return response.ok("There is room")


async def put(session: ManageSieveSession, command: c.PutScript) -> bytes:
    """Store a script. One with errors is not stored, and the one it would have replaced stays (RFC 5804 §2.6)."""
    try:
        with session.writing():
            reply = await session.dependencies.scripts.put(session.account, command.name, command.source)
    except Invalid as error:
        # The refusal has only the beginning of the errors, because the text of an error of a call is short.
        checked = await session.dependencies.scripts.check(session.account, command.source)
        return _with_errors(checked.errors) if checked.errors else response.no(error.message)
    return _accepted("The script is stored", reply.warnings)


async def check(session: ManageSieveSession, command: c.CheckScript) -> bytes:
    """Say what is wrong with a script that is not stored (RFC 5804 §2.12)."""
    reply = await session.dependencies.scripts.check(session.account, command.source)
    return _with_errors(reply.errors) if reply.errors else _accepted("The script is right", reply.warnings)


async def list_scripts(session: ManageSieveSession, _command: c.ListScripts) -> bytes:
    """List the scripts (RFC 5804 §2.7)."""
    listed = await session.dependencies.scripts.listed(session.account)
    return response.scripts((script.name, ACTIVE in script.places) for script in listed.scripts) + response.ok("Listed")


async def set_active(session: ManageSieveSession, command: c.SetActive) -> bytes:
    """Activate a script, or none (RFC 5804 §2.8)."""
    with session.writing():
        await session.dependencies.scripts.activate(session.account, command.name)
    return response.ok("The script is active" if command.name else "No script is active")


async def get(session: ManageSieveSession, command: c.GetScript) -> bytes:
    """Return the octets that were put (RFC 5804 §2.9)."""
    source = await session.dependencies.scripts.source(session.account, command.name)
    return response.script(source) + response.ok("This is the script")


async def delete(session: ManageSieveSession, command: c.DeleteScript) -> bytes:
    """Delete a script that is not active (RFC 5804 §2.10)."""
    with session.writing():
        await session.dependencies.scripts.delete(session.account, command.name)
    return response.ok("The script is deleted")


async def rename(session: ManageSieveSession, command: c.RenameScript) -> bytes:
    """Rename a script; an active one stays active (RFC 5804 §2.11.1)."""
    with session.writing():
        await session.dependencies.scripts.rename(session.account, command.name, command.new_name)
    return response.ok("The script is renamed")


def _accepted(text: str, warnings: Iterable[pb.ScriptNote]) -> bytes:
    noted = _lines(warnings)
    return response.ok(noted, b"WARNINGS") if noted else response.ok(text)


def _with_errors(errors: Iterable[pb.ScriptNote]) -> bytes:
    return response.no(_lines(errors))


def _lines(notes: Iterable[pb.ScriptNote]) -> str:
    """A line for each error or warning, as clients show them."""
    return "\r\n".join(f"line {note.line}, column {note.column}: {note.text}" for note in notes)
