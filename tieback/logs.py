"""Logging: structured, one line an event, JSON in production; the request id runs through all."""

import logging.config
from typing import Any

import structlog

_LEVELS = ("debug", "info", "warning", "error", "critical")
#: How ``LOG_LEVEL`` may be written.
LEVELS = (*_LEVELS, *map(str.upper, _LEVELS))

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def logging_config(*, level: str, as_json: bool) -> dict[str, Any]:
    """Return the ``logging`` dictionary for the wanted level and form."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    renderer,
                ],
                "foreign_pre_chain": _SHARED,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "botocore": {"level": "WARNING"},
            # It tells each address that is asked, and those of endpoints may carry a key.
            "httpx2": {"level": "WARNING"},
            "httpcore2": {"level": "WARNING"},
            # A doorbell every few seconds; what a step did with it, the step says itself.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            "solana": {"level": "WARNING"},
            "django.security.DisallowedHost": {"level": "ERROR"},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Set up structlog and the standard library's logging alike."""
    structlog.configure(
        processors=[
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(config)
