"""The messages that a mail has as attachments, however they are wrapped (domain rule 1.3)."""

from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory

from services.domain.forwarding import is_relayed
from services.mime.fallback import FailedError, enclosed_in_child
from services.mime.headers import line_ends, scan
from services.mime.limits import Limits
from services.mime.parts import leaves
from services.mime.reading import Parser, fast, read, tree
from services.mime.tree import MESSAGES, Node

DEEPEST = 5  # wrappers around one message
MOST = 100  # messages of one mail; more were not forwarded one by one
_DEFAULT = Limits()


def enclosed(raw: bytes, *, limits: Limits = _DEFAULT) -> tuple[bytes, ...]:
    """
    Return the messages attached to a mail, in order: as message/rfc822, as ``.eml`` file or in TNEF, encoded or not.

    One that only wraps another one is unwrapped too, to a bounded depth. Nothing when there is none, when there are
    more than 100, or when the mail cannot be read. Never raises; what needs a child process blocks like ``parse``.
    """
    raw = line_ends(raw)
    try:
        if len(raw) > limits.in_process_bytes:
            return _from_child(raw, limits, lenient=False)
        return find(raw, limits, fast)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - the fast parser may panic, which is no Exception
        try:
            return _from_child(raw, limits, lenient=True)
        except FailedError:
            return ()


def enclosed_file(path: Path, room: Path, *, limits: Limits = _DEFAULT) -> tuple[Path, ...]:
    """The same for a file, which only a child reads; the messages are files in the empty folder ``room``."""
    file, size = str(path.resolve()), path.stat().st_size
    for lenient in (False, True):
        try:
            count = enclosed_in_child(b"", file, size, str(room), limits, lenient=lenient)
        except FailedError:
            continue
        return tuple(room / str(number) for number in range(count))
    return ()


def _from_child(raw: bytes, limits: Limits, *, lenient: bool) -> tuple[bytes, ...]:
    with TemporaryDirectory(prefix="mailweave-enclosed-") as room:
        count = enclosed_in_child(raw, "", len(raw), room, limits, lenient=lenient)
        return tuple(Path(room, str(number)).read_bytes() for number in range(count))


def find(raw: bytes, limits: Limits, parser: Parser, depth: int = 1) -> tuple[bytes, ...]:
    """Return the messages with a given parser; raises what it raises."""
    found: list[bytes] = []
    block = scan(raw, limits)
    if not block.count:
        return ()
    for number, leaf in enumerate(leaves(tree(raw, block, parser))):
        if number == limits.parts:
            break
        mail = _mail(leaf.node, limits)
        if not mail:
            continue
        deeper: tuple[bytes, ...] = ()
        if depth < DEEPEST and is_relayed(read(mail, limits, parser)):
            deeper = find(mail, limits, parser, depth + 1)
        found.extend(deeper or (mail,))
    return tuple(found) if len(found) <= MOST else ()


def _mail(node: Node, limits: Limits) -> bytes:
    content, name = node.content or b"", node.filename.lower()
    if node.content_type not in MESSAGES and not name.endswith(".eml"):
        return b""
    mail = content if _is_mail(content, limits) else _decoded(content)
    return line_ends(mail) if _is_mail(mail, limits) else b""


def _is_mail(content: bytes, limits: Limits) -> bool:
    block = scan(content, limits)
    return any(block.first(name) for name in ("message-id", "from", "date"))


def _decoded(content: bytes) -> bytes:
    """Return what base64 hides, which RFC 2046 section 5.2.1 forbids for a message and some servers write."""
    try:
        return b64decode(b"".join(content.split()), validate=True)
    except ValueError:
        return b""
