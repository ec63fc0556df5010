"""How much of one mail is read, and by which process."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    The bounds under which a mail is parsed. What was cut is named in the repairs of the message.

    A mail over ``in_process_bytes`` is parsed in a child process, one at a time, so that the calling service
    does not grow; of a mail over ``message_bytes`` only the headers are read. The child has
    ``fallback_seconds`` of CPU and a second more for every 10 MiB, and ten times that on the clock: what becomes of a
    mail must not depend on what else the machine does.
    """

    body_chars: int = 65_536
    html_chars: int = MIB
    in_process_bytes: int = 25 * MIB
    message_bytes: int = 150 * MIB
    fallback_seconds: float = 5.0
    header_bytes: int = MIB
    header_value_chars: int = 16_384
    address_chars: int = 256 * 1024  # of all repetitions of one address header
    mailboxes: int = 5_000  # of one address header
    parts: int = 1_000

    def seconds(self, size: int) -> float:
        """Return the seconds of CPU that a child may spend on a mail of that size."""
        return self.fallback_seconds + size / (10 * MIB)

    def patience(self, size: int) -> float:
        """Return the seconds after which a child is given up that neither ends nor has used its CPU."""
        return 10 * self.seconds(size)

    def memory(self, size: int) -> int:
        """Return the address space a child may use for a mail of that size."""
        return 6 * size + 512 * MIB
