"""What can go wrong with the local stack, in words for the person who typed the command."""


class StackError(Exception):
    """The stack cannot do what was asked; the text says why and what to do about it."""


class NoAnswerError(StackError):
    """A server is not ready: it refuses, or what it says is not what such a server says."""
