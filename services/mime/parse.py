"""Any bytes to a message: by the fast parser, else the lenient one in a child, else the headers alone."""

from dataclasses import replace
from pathlib import Path

from services.domain.message import Message, ParseOutcome
from services.mime.fallback import FailedError, parse_file_in_child, parse_in_child
from services.mime.headers import line_ends, scan
from services.mime.limits import Limits
from services.mime.reading import fast, message, read

_DEFAULT = Limits()


def parse(raw: bytes, *, limits: Limits = _DEFAULT) -> Message:
    """
    Return the message. Never raises, for any bytes; ``outcome`` and ``repairs`` say how well it went.

    Takes time in proportion to the size, and in this process memory for at most ``limits.in_process_bytes``.
    What needs a child process blocks for up to ``limits.patience`` of its size, twice at worst.
    """
    if len(raw) > limits.message_bytes:
        return parse_headers(raw, ParseOutcome.TOO_LARGE, limits=limits)
    try:
        if len(raw) > limits.in_process_bytes:
            return parse_in_child(raw, limits, lenient=False)
        raw = line_ends(raw)
        return read(raw, limits, fast)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - the fast parser may panic, which is no Exception
        return _fallback(raw, limits, _name(error))


def parse_file(path: Path, *, limits: Limits = _DEFAULT) -> Message:
    """
    Return the message in a file, as :func:`parse` does; raises OSError when it cannot be read.

    A mail over ``limits.in_process_bytes`` is never read into this process, only its headers.
    """
    size = path.stat().st_size
    if size <= limits.in_process_bytes:
        return parse(path.read_bytes(), limits=limits)
    with path.open("rb") as file:
        head = file.read(2 * limits.header_bytes)
    if size > limits.message_bytes:
        return parse_headers(head, ParseOutcome.TOO_LARGE, limits=limits)
    try:
        return parse_file_in_child(path, size, limits)
    except FailedError as error:
        return _headers_because(head, limits, f"parser failed: {error}")


def parse_headers(raw: bytes, outcome: ParseOutcome = ParseOutcome.HEADERS, *, limits: Limits = _DEFAULT) -> Message:
    """Return what the header block says, without parts and body; UNREADABLE when nothing. Never raises."""
    block = scan(line_ends(raw[: 2 * limits.header_bytes]), limits)
    return message(block, limits, outcome if block.count else ParseOutcome.UNREADABLE)


def _fallback(raw: bytes, limits: Limits, why: str) -> Message:
    try:
        found = parse_in_child(raw, limits, lenient=True)
    except FailedError as error:
        return _headers_because(raw, limits, f"fallback-parser: {why}", f"fallback failed: {error}")
    return _repaired(found, f"fallback-parser: {why}")


def _headers_because(raw: bytes, limits: Limits, *repairs: str) -> Message:
    return _repaired(parse_headers(raw, limits=limits), *repairs)


def _repaired(found: Message, *repairs: str) -> Message:
    return replace(found, repairs=(*repairs, *found.repairs))


def _name(error: BaseException) -> str:
    return f"{type(error).__name__} {error}" if isinstance(error, FailedError) else type(error).__name__
