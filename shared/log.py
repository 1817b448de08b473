"""Log events, not sentences: a constant name and ids, as JSON lines on standard error; secrets are masked."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

_SECRET = re.compile(r"pass(word|wd)|secret|token|credential|authorization|private_key", re.I)


def _masked(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for name in event:
        if _SECRET.search(name) and name != "credential_id":
            event[name] = "********"
    return event


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
    logging.basicConfig(level=max(number, logging.WARNING), stream=stream or sys.stderr, format="%(name)s %(levelname)s %(message)s")
