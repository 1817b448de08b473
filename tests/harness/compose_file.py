"""Reads docker-compose.yml as Docker Compose does: anchors, merge keys, and variables of the environment.

https://github.com/compose-spec/compose-spec, chapters «Interpolation» and «Fragments».
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parents[2] / "docker-compose.yml"
_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<rule>:?[-?+])(?P<text>[^}]*))?\})"
)


class VariableMissing(ValueError):
    """A variable without a value that the file asks for; the text is that of the file."""


def read_compose_file(variables: Mapping[str, str], file: Path = FILE) -> dict[str, Any]:
    """The whole model, with every variable replaced. Raises VariableMissing."""
    model = _replaced(yaml.safe_load(file.read_text("utf-8")), variables)
    assert isinstance(model, dict)
    return model


def _replaced(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(inner, variables) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, variables) for inner in value]
    return _VARIABLE.sub(lambda match: _value(match, variables), value) if isinstance(value, str) else value


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    if match["dollar"]:
        return "$"
    rule, name = match["rule"] or "", match["name"] or match["bare"]
    is_set = bool(variables.get(name)) if rule.startswith(":") else name in variables
    if rule.endswith("+"):
        return match["text"] if is_set else ""
    if not is_set and rule.endswith("?"):
        raise VariableMissing(match["text"])
    return variables[name] if is_set else match["text"] or ""


def mounts(service: Mapping[str, Any]) -> dict[str, tuple[str, bool]]:
    """The volumes of a service: path in the container → volume and whether it may be written."""
    pieces = [volume.split(":") for volume in service.get("volumes", [])]
    return {piece[1]: (piece[0], piece[2:] != ["ro"]) for piece in pieces}


def temporary_folders(service: Mapping[str, Any]) -> dict[str, str]:
    """The temporary file systems of a service: path → mount options."""
    pairs = [entry.partition(":") for entry in service.get("tmpfs", [])]
    return {path: options for path, _, options in pairs}
