"""The format of the log: one line per event, as JSON or key=value, with the ids of its request and execution.

Never code, output or keys.
"""

import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError
from redis.exceptions import RedisError

ROOT = Path(__file__).resolve().parent.parent
EXPECTED = (DatabaseError, InterfaceError, RedisError)

Event = MutableMapping[str, Any]


def shorten_exception(logger: object, method: str, event: Event) -> Event:
    """Replace an exception of the database or the cache by its first line, and where in our code it was raised.

    While one of them is down, each request would log 5 KB of traceback. The further lines may quote a row, and with it
    a learner's program.
    """
    found = event.get("exc_info")
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, EXPECTED):
        del event["exc_info"]
        event["error"] = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        ours = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(frame.filename)]
        if ours:
            event["at"] = f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}"
    return event


def _is_ours(filename: str) -> bool:
    return filename.startswith(f"{ROOT}/") and "site-packages" not in filename


PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    shorten_exception,
    structlog.processors.format_exc_info,
]


def configure(level: str, form: str) -> dict[str, Any]:
    """Set up structlog for our format, and return Django's `LOGGING`. `form` is `json` or `text`."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    text = structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "structlog.stdlib.ProcessorFormatter",
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer() if form == "json" else text,
                ],
                "foreign_pre_chain": PROCESSORS,
            },
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        # web/request_log.py logs each failed request; Django would log it again.
        "loggers": {
            "django_structlog": {"level": "WARNING"},
            "django.request": {"level": "CRITICAL"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "django.server": {"level": "WARNING"},
        },
    }
