"""A server that is measured while it sends."""

from __future__ import annotations

from dataclasses import dataclass

from loadtest.measure.bench import Meters
from loadtest.target import Target


@dataclass(frozen=True, slots=True)
class MeasuredServer:
    """Its name, how mail is submitted to it, the meters of all its processes, and the signatures that it adds."""

    name: str
    target: Target
    meters: Meters
    signatures: int = 0
