"""What becomes of the attachments of every mail of the corpora, under the limits that are the default."""

import collections
import hashlib

import pytest

from services.domain.attachments import AttachmentLimits, attachments_of, extension
from services.mime import parse, part_content
from services.settings.organization.content import BLOCKED
from tests.corpora.mime_run import corpora, mails

BLOCKED_NAMES = frozenset(BLOCKED.split())
READ_AGAIN = 300  # mails whose attachments are read by their paths


@pytest.mark.corpora
def test_each_attachment_of_the_corpora_is_kept_or_listed():
    folder = corpora()
    if folder is None:
        pytest.skip("set MAILWEAVE_CORPORA to the folder of the corpora to run this test")
    limits = AttachmentLimits(blocked=BLOCKED_NAMES)
    figures: collections.Counter[str] = collections.Counter()
    for name, raw in mails(folder):
        message = parse(raw)
        if not message.attachments:
            continue
        found = attachments_of(message, limits)
        assert len(message.attachments) == len(found.kept) + len(found.dropped), name
        assert not {extension(part.filename) for part in found.kept} & BLOCKED_NAMES, name
        figures["mails"] += 1
        figures["kept"] += len(found.kept)
        figures.update(f"{one.reason} {one.detail}" for one in found.dropped)
        figures["in TNEF"] += b"winmail.dat" in raw and sum("." in part.path for part in message.attachments)
        if figures["mails"] <= READ_AGAIN or b"winmail.dat" in raw:
            for part in message.attachments:
                assert part.sha256 == hashlib.sha256(part_content(raw, part.path)).hexdigest(), (name, part.path)

    print(figures.most_common())  # noqa: T201 - the figures are for tests/bench/RESULTS.md
    assert figures["kept"]
