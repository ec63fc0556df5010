"""
Log lines: one JSON object each, on standard error, with service, instance and settings version.

Nothing that looks like an address (a mailbox, a Message-ID, a password in a URL) leaves in a line, whoever wrote it.
"""

import logging
import re
import sys
from collections.abc import Callable
from typing import TextIO

from pythonjsonlogger.json import JsonFormatter

# Both sides of an @ up to the next delimiter. The backslash is one, because lines are redacted after JSON escaped them.
ADDRESS = re.compile(r"""[^\s"'<>()\[\]{},;:\\@]+@[^\s"'<>()\[\]{},;:\\@]+""")
REDACTED = "[address]"

# They report every rebalance, every step of a shutdown and (mail.log: aiosmtpd) every command of a client at INFO.
NOISY = ("faust", "mode", "aiokafka", "kafka", "asyncio", "urllib3", "mail.log")


class RedactingFormatter(JsonFormatter):
    """Formats a record as JSON and takes out whatever looks like an address, in messages and tracebacks alike."""

    def __init__(self, service: str, instance: str, settings_version: Callable[[], int]) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            json_ensure_ascii=False,
            timestamp="time",
        )
        self._fixed = {"service": service, "instance": instance}
        self._settings_version = settings_version

    def add_fields(
        self,
        log_data: dict[str, object],
        record: logging.LogRecord,
        message_dict: dict[str, object],
    ) -> None:
        """Add what every line carries."""
        super().add_fields(log_data, record, message_dict)
        log_data.update(self._fixed, settings_version=self._settings_version())

    def format(self, record: logging.LogRecord) -> str:
        """Return one line without addresses."""
        return ADDRESS.sub(REDACTED, super().format(record))


def configure(
    service: str,
    instance: str,
    level: str = "INFO",
    settings_version: Callable[[], int] = lambda: 0,
    stream: TextIO | None = None,
) -> None:
    """Send every logger of this process, the libraries' too, through the one handler. Replaces what was set before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(RedactingFormatter(service, instance, settings_version))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in NOISY:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)
