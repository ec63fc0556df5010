"""How a command ends when something is wrong: one clear line, an exit code, never a traceback."""

import re
from typing import Any

import click
import psycopg.errors

from services.domain.errors import MailweaveError, Refused

REFUSED = 2
FAILED = 1
INTERRUPTED = 130

_PASSWORD = re.compile(r"(\w+://[^/\s:@]*):[^@\s]*@")


class Failure(click.ClickException):
    """An error in words, with the exit code that says what kind it was."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.exit_code = code

    def show(self, file: Any = None) -> None:  # noqa: ANN401 - click's signature
        """Print the text on stderr, whatever else was printed before."""
        click.echo(f"mailweave: {self.message}", file=file, err=True)


def failed(text: str) -> Failure:
    """Return the failure of a command that did its work and found something missing or broken: exit code 1."""
    return Failure(text, FAILED)


def in_words(error: Exception) -> Failure:
    """Return what a person is told about an error. Addresses of servers never show their passwords."""
    # The stack brings in every client library; commands that do without it start in half the time.
    from services.cli.stack.errors import StackError  # noqa: PLC0415

    text = _PASSWORD.sub(r"\1:***@", str(error)).strip() or type(error).__name__
    match error:
        case Refused():
            return Failure(text, REFUSED)
        case MailweaveError() | StackError():
            return Failure(text, FAILED)
        case UnicodeEncodeError() if "\ud800" <= str(error.object)[error.start : error.start + 1] <= "\udfff":
            # The system hands bytes on that are no text, as half characters.
            return Failure("an argument is no text in UTF-8: give it as text.", REFUSED)
        case psycopg.errors.UndefinedTable() | psycopg.errors.InvalidSchemaName():
            return Failure(
                "the database is not prepared for Mailweave. Run `mailweave up` or `mailweave migrate`.", FAILED
            )
        case PermissionError() | IsADirectoryError() | FileNotFoundError():
            return Failure(f"{error.filename}: {error.strerror}", FAILED)
        case _:
            first = text.splitlines()[0]
            return Failure(
                f"unexpected {type(error).__name__}: {first} (run `mailweave --debug …` for details)", FAILED
            )


class Commands(click.Group):
    """The top of the command tree: every error of every command below passes here."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command and put its error into words; with ``--debug`` the traceback is shown instead."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            raise in_words(error) from error
