"""
Reads mail: bytes to :class:`services.domain.message.Message`. A library, not a service; it decides nothing.

``parse`` takes any bytes and never raises. A mail of unusual size or shape is read in a child process with
limits of memory and time, so that the calling service neither grows nor hangs.
"""

from services.mime.content import part_content
from services.mime.enclosed import enclosed, enclosed_file
from services.mime.headers import KEPT_HEADERS
from services.mime.limits import Limits
from services.mime.parse import parse, parse_file, parse_headers

__all__ = [
    "KEPT_HEADERS",
    "Limits",
    "enclosed",
    "enclosed_file",
    "parse",
    "parse_file",
    "parse_headers",
    "part_content",
]
