"""`mailfold domain signature`: the mail signature of a domain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from mailfold.arguments import DATA, Argument, Data, Json, Option
from mailfold.commands.directory import call, show
from mailfold.operator.failure import UNUSABLE, CommandFailed

_FIELDS = ("domain", "id", "signs_automatic", "preview_text", "preview_html", "missing")
_WITH_TEXTS = ("domain", "id", "signs_automatic", "text", "html", "preview_text", "preview_html", "missing")
_LARGEST = 250_000
"""Octets of a file that may hold the 50,000 characters of a mail signature."""


def signature(
    name: Annotated[str, Argument("A domain, such as example.org.")],
    text: Annotated[str, Option("--text", help="A file with its plain text, in UTF-8.")] = "",
    html: Annotated[str, Option("--html", help="A file with its HTML, in UTF-8.")] = "",
    automatic: Annotated[bool, Option("--automatic", help="Mail that programs write gets it too.")] = False,
    no_automatic: Annotated[bool, Option("--no-automatic", help="Mail that programs write does not get it.")] = False,
    off: Annotated[bool, Option("--off", help="Mail of the domain has no mail signature any more.")] = False,
    data: Data = DATA,
    json: Json = False,
) -> None:
    """Show the mail signature of a domain, or give it one.

    It is placed into mail to other servers. {name}, {address} and the fields of users ({phone}) are placeholders; the
    form that is not given is made from the other one. The preview shows it for the first account of the domain.
    """
    if off and (text or html):
        raise CommandFailed("give the files, or --off", UNUSABLE)
    if automatic and no_automatic:
        raise CommandFailed("give --automatic or --no-automatic", UNUSABLE)
    if not (off or text or html or automatic or no_automatic):
        show(_asked(data, "ShowSignature", lambda pb: pb.ShowSignatureRequest(domain=name)), _WITH_TEXTS, json=json)
        return
    forms = {"text": _content(text), "html": _content(html)}
    switch = automatic if automatic or no_automatic else None
    keeps = not (off or text or html)

    def request(pb: Any) -> Any:
        return pb.SetSignatureRequest(domain=name, off=off, keep_texts=keeps, signs_automatic=switch, **forms)

    show(_asked(data, "SetSignature", request), _FIELDS, json=json)


def _asked(data: Path, method: str, request: Any) -> Any:
    return call(data, method, request, contract="Signatures")


def _content(file: str) -> str:
    if not file:
        return ""
    try:
        with Path(file).open("rb") as opened:
            octets = opened.read(_LARGEST + 1)
        if len(octets) > _LARGEST:
            raise CommandFailed(f"{file} is too large for a mail signature", UNUSABLE)
        return octets.decode("utf-8-sig")
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}", UNUSABLE) from error
    except UnicodeDecodeError as error:
        raise CommandFailed(f"{file} is not UTF-8", UNUSABLE) from error
