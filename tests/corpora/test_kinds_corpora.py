"""The kinds of mail against the labels of the corpora."""

import pytest

from services.domain.kinds.rules import MailKind
from tests.corpora.kinds_run import run
from tests.corpora.mime_run import corpora

BOUNDS = {  # recall and precision that a change of the rules may not undercut
    MailKind.BOUNCE: (0.98, 0.99),
    MailKind.FEEDBACK: (0.9, 1.0),
    MailKind.AUTO_REPLY: (0.95, 0.5),
    MailKind.INVITATION: (1.0, 0.5),
    MailKind.LIST: (0.95, 1.0),
    MailKind.SPAM: (1.0, 0.75),
}


@pytest.mark.corpora
def test_the_kinds_agree_with_the_labels_of_the_corpora():
    """Prints the figures for tests/bench/RESULTS.md."""
    folder = corpora()
    if folder is None:
        pytest.skip("set MAILWEAVE_CORPORA to the folder of the corpora to run this test")

    result = run(folder)

    print(result.table())  # noqa: T201
    for kind, (recall, precision) in BOUNDS.items():
        counts = result.counts[kind]
        assert (kind, True, True) == (kind, counts.recall >= recall, counts.precision >= precision)
