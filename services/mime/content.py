"""The decoded bytes of one part, when somebody asks for an attachment."""

from services.domain.errors import Refused
from services.mime.fallback import FailedError, part_in_child
from services.mime.headers import line_ends, scan
from services.mime.limits import Limits
from services.mime.parts import leaves
from services.mime.reading import Parser, fast, tree

_DEFAULT = Limits()


def part_content(raw: bytes, path: str, *, limits: Limits = _DEFAULT) -> bytes:
    """
    Return the decoded bytes of the leaf numbered ``path``, as :func:`services.mime.parse` numbers it.

    Raises Refused when there is no such part, or the mail cannot be read.
    """
    if len(raw) > limits.message_bytes:
        raise Refused(f"the mail is larger than {limits.message_bytes} bytes: download the whole mail instead")
    content = _content(line_ends(raw), path, limits)
    if content is None:
        raise Refused(f"the mail has no part {path!r}: ask for one of the parts listed for it")
    return content


def _content(raw: bytes, path: str, limits: Limits) -> bytes | None:
    try:
        if len(raw) <= limits.in_process_bytes:
            return find(raw, path, limits, fast)
        return part_in_child(raw, path, limits, lenient=False)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - the fast parser may panic, which is no Exception
        return _lenient(raw, path, limits)


def _lenient(raw: bytes, path: str, limits: Limits) -> bytes | None:
    try:
        return part_in_child(raw, path, limits, lenient=True)
    except FailedError as error:
        raise Refused(f"the parts of the mail cannot be read ({error}): download the whole mail instead") from error


def find(raw: bytes, path: str, limits: Limits, parser: Parser) -> bytes | None:
    """Return the content of the leaf with that number, or None; raises what the parser raises."""
    block = scan(raw, limits)
    if not block.count:
        return None
    for leaf in leaves(tree(raw, block, parser)):
        if leaf.path == path:
            return leaf.node.content or b""
    return None
