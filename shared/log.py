"""Log events, not sentences: a constant name and ids, as JSON lines on standard error; secrets are masked."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

_SECRET = re.compile(r"pass(word|wd)|secret|token|credential|authorization|private_key|sealed", re.I)
_DEEPEST = 5


def _masked(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for name, value in event.items():
        if _is_secret(name) or isinstance(value, dict | list | tuple):
            event[name] = _shown(name, value)
    return event


def _is_secret(name: str) -> bool:
    return name != "credential_id" and _SECRET.search(name) is not None


def _shown(name: str, value: Any, depth: int = 0) -> Any:
    """A value in the form in which it may be logged: secrets are masked, and values nested too deeply are left out."""
    if _is_secret(name):
        return "********"
    if isinstance(value, dict | list | tuple) and depth > _DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {key: _shown(str(key), inner, depth + 1) for key, inner in value.items()}
    return [_shown("", inner, depth + 1) for inner in value] if isinstance(value, list | tuple) else value


def configure(process: str, level: str = "info", *, stream: Any = None) -> None:
    """Set up logging for this process, once."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _masked,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(
        level=max(number, logging.WARNING), stream=stream or sys.stderr, format="%(name)s %(levelname)s %(message)s"
    )
