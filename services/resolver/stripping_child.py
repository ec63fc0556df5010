"""
The child process that takes the matches of a filter out of subjects: an order on standard input, the rest on output.

Started by :mod:`services.resolver.stripping` only, as a file: it imports nothing else of the project, so that its start
is cheap. What takes longer than its share of CPU time ends it.
"""

import json
import re
import resource
import sys


def main() -> None:
    """Do what the order says."""
    order = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_CPU, (order["seconds"], order["seconds"]))
    json.dump([re.sub(order["noise"], "", subject) for subject in order["subjects"]], sys.stdout)


if __name__ == "__main__":
    main()
