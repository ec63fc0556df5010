"""What a process does about its memory, each in a process of its own."""

import subprocess
import sys

_BATCH = """
import gc
from services.runtime.memory import collect_rarely
collect_rarely()
before = [generation["collections"] for generation in gc.get_stats()]
batch = [[number] for number in range(90_000)]
assert before == [generation["collections"] for generation in gc.get_stats()], "a batch is looked through"
for number in range(200_000):
    circle = []
    circle.append(circle)
assert gc.get_stats()[0]["collected"] > 0, "circles stay for ever"
"""


def test_a_batch_is_not_looked_through_for_circles_and_circles_go_all_the_same():
    done = subprocess.run([sys.executable, "-c", _BATCH], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)
