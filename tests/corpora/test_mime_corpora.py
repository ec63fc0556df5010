"""Every mail of the corpora is parsed without an exception."""

import pytest

from tests.corpora.mime_run import corpora, run


@pytest.mark.corpora
def test_no_mail_of_the_corpora_raises():
    """Prints the figures; times are printed, not asserted (``python -m tests.corpora.mime_run`` does that)."""
    folder = corpora()
    if folder is None:
        pytest.skip("set MAILWEAVE_CORPORA to the folder of the corpora to run this test")

    result = run(folder)

    print(result.table())  # noqa: T201 - the figures are for tests/bench/RESULTS.md
    assert [] == result.raised
    assert [] == result.unencodable
    assert result.mails > 0
