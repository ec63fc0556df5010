"""
The errors of the pipeline: the type says what the caller does next, the code says why.

    MailweaveError
    ├── Retry    the world failed; offer the same input again later
    ├── Reject   this input can never succeed; dead-letter it under ``code``
    ├── Stop     this process cannot go on; exit and be restarted
    └── Refused  a person asked for something that cannot be done; say what is wrong and what to do
"""


class MailweaveError(Exception):
    """Base of every error this project raises on purpose."""

    code = "error"


class Retry(MailweaveError):  # noqa: N818 - named for what the caller does
    """The world failed: keep the input, back off, offer it again."""

    code = "retry"


class Reject(MailweaveError):  # noqa: N818
    """This input can never succeed: it goes to the dead letters under ``code``, its neighbours go on."""

    code = "rejected"


class UndecodableRecord(Reject):
    """The bytes are no record of this topic: no marker, an unknown schema, or a body that does not fit it."""

    code = "undecodable_record"


class Stop(MailweaveError):  # noqa: N818
    """This process cannot go on: it exits and is restarted."""

    code = "stop"


class Refused(MailweaveError):  # noqa: N818
    """A person's input is wrong. The text names what is wrong and what to do; exit code 2, or 4xx."""

    code = "refused"
