"""The new text of replies on the sets of five other parsers."""

import pytest

from tests.corpora.mime_run import corpora
from tests.corpora.reply_run import run

FEWEST = {  # right texts that a change may not undercut
    "talon": 12,
    "crisp-reply-parser": 37,
    "discourse-reply-trimmer": 28,
    "quotequail": 6,
    "willdurand-reply-parser": 15,
}


@pytest.mark.corpora
@pytest.mark.parametrize("name", FEWEST)
def test_the_new_text_is_what_the_set_expects(name: str):
    folder = corpora()
    if folder is None:
        pytest.skip("set MAILWEAVE_CORPORA to the folder of the corpora to run this test")

    assert run(folder).right[name] >= FEWEST[name]
