"""Logs: one structured line per unit of work, on stderr. Text on a terminal, JSON in a pipe."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog

from service.config.schema import Log
from service.runtime.floods import OncePerSpan
from service.text.redaction import without_addresses

QUIET_LIBRARIES = (
    "aiohttp", "alembic", "apscheduler", "asyncio", "procrastinate", "uvicorn", "uvicorn.access",
)  # fmt: skip
"""They speak of every connection; we say once what came of it."""


def configure(log: Log, stream: TextIO | None = None) -> None:
    """Send our lines and those of libraries (warnings and up) to `stream`, stderr by default."""
    stream = stream or sys.stderr
    as_text = log.format == "text" or (log.format == "auto" and stream.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty())
        if as_text
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_addresses,
    ]
    handler = logging.StreamHandler(stream)
    handler.addFilter(OncePerSpan())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(log.level.upper())
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[log.level.upper()]
        ),
        cache_logger_on_first_use=False,
    )


def _without_addresses(
    _logger: structlog.typing.WrappedLogger, _method: str, line: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Logs outlive who is forgotten: no address stands in a line, not even in a traceback."""
    return {
        name: without_addresses(value) if isinstance(value, str) else value
        for name, value in line.items()
    }


def get(name: str = "bantin") -> structlog.typing.FilteringBoundLogger:
    """The logger for lines of units of work."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return logger
