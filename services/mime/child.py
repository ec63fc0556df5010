"""
The child process: reads one order and one mail from standard input, writes the answer to standard output.

Started by :mod:`services.mime.fallback` only. Its limits of memory and CPU are set before it reads the mail.
"""

import json
import resource
import sys
from pathlib import Path

from services.domain.message import ParseOutcome
from services.mime import wire
from services.mime.content import find
from services.mime.enclosed import find as find_messages
from services.mime.fallback import NO_SUCH_PART
from services.mime.headers import line_ends
from services.mime.limits import Limits
from services.mime.reading import Parser, fast, read
from services.mime.tree import lenient


def main() -> int:
    """Do what the order says; 3 when there is no such part. What fails ends the process with a traceback."""
    fields = json.loads(sys.stdin.buffer.readline())
    limits = Limits(**fields["limits"])
    size: int = fields["size"]
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory(size), limits.memory(size)))
    seconds = int(limits.seconds(size)) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # at the second one it is killed without a word
    raw = line_ends(Path(fields["file"]).read_bytes() if fields["file"] else sys.stdin.buffer.read())
    if fields["do"] in ("part", "lenient-part"):
        content = find(raw, fields["path"], limits, fast if fields["do"] == "part" else lenient)
        if content is None:
            return NO_SUCH_PART
        sys.stdout.buffer.write(content)
        return 0
    if fields["do"] in ("enclosed", "lenient-enclosed"):
        found = find_messages(raw, limits, fast if fields["do"] == "enclosed" else lenient)
        for number, mail in enumerate(found):
            Path(fields["path"], str(number)).write_bytes(mail)
        sys.stdout.buffer.write(str(len(found)).encode())
        return 0
    parser: Parser = lenient if fields["do"] == "lenient" else fast
    sys.stdout.buffer.write(_message(raw, limits, parser))
    return 0


def _message(raw: bytes, limits: Limits, parser: Parser) -> bytes:
    if parser is lenient:
        return wire.encode(read(raw, limits, lenient, ParseOutcome.FALLBACK))
    return wire.encode(read(raw, limits, parser))


if __name__ == "__main__":
    sys.exit(main())
