"""Every error of a command is one line on stderr and an exit code."""

import click
import pytest
from click.testing import CliRunner

from services.cli.failures import Commands, failed
from services.cli.stack.errors import StackError
from services.domain.errors import Refused, Retry


def _run(error, *arguments):
    @click.group(cls=Commands)
    @click.option("--debug", is_flag=True)
    def top(*, debug):
        pass

    @top.command()
    def go():
        raise error

    return CliRunner().invoke(top, [*arguments, "go"])


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        pytest.param(Refused("filter.userDefault is 9"), 2, "mailweave: filter.userDefault is 9\n", id="refused"),
        pytest.param(Retry("PostgreSQL does not answer"), 1, "mailweave: PostgreSQL does not answer\n", id="world"),
        pytest.param(StackError("no Java"), 1, "mailweave: no Java\n", id="stack"),
        pytest.param(failed("2 problems"), 1, "mailweave: 2 problems\n", id="failed"),
        pytest.param(
            Retry("no answer: postgresql://mw:secret@db/x"),
            1,
            "mailweave: no answer: postgresql://mw:***@db/x\n",
            id="password",
        ),
        pytest.param(
            UnicodeEncodeError("utf-8", "x\udcff", 1, 2, "surrogates not allowed"),
            2,
            "mailweave: an argument is no text in UTF-8: give it as text.\n",
            id="no-text",
        ),
        pytest.param(KeyboardInterrupt(), 130, "", id="interrupted"),
    ],
)
def test_an_error_is_told_in_one_line(error, code, said):
    result = _run(error)

    assert (code, said, "") == (result.exit_code, result.stderr.lstrip("\n"), result.stdout)


def test_an_unforeseen_error_shows_no_traceback():
    result = _run(KeyError("x"))

    assert 1 == result.exit_code
    assert "unexpected KeyError" in result.stderr
    assert "Traceback" not in result.stderr
    assert 1 == len(result.stderr.splitlines())


def test_debug_lets_the_traceback_through():
    assert isinstance(_run(ZeroDivisionError(), "--debug").exception, ZeroDivisionError)
