import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.domain.errors import Retry
from services.storage import durable
from services.storage.blobs import BlobFolder
from tests.component.storage.blob_files import files, sha, start

pytestmark = pytest.mark.component

MANY = [bytes([n]) * (n + 1) for n in range(durable.MANY * 3)]
FEW = MANY[:2]


KILLED_BEFORE = """
    from services.storage import blobs as module
    def die(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)
    {place} = die
    store = module.BlobFolder(Path(sys.argv[1]))
    {act}
"""
PUT_FEW = "store.put_many([b'x' * 5000, b'y' * 5000])"
PUT_MANY = "store.put_many([b'%d' % n * 5000 for n in range(20)])"
STREAM = "w = store.writer(); w.write(b'x' * 5000); w.commit()"


@pytest.mark.parametrize(
    ("place", "act"),
    [
        ("os.fsync", PUT_FEW),
        ("module.durable.flush_filesystem", PUT_MANY),
        ("module.BlobFolder._publish", PUT_FEW),
        ("module.BlobFolder._publish", PUT_MANY),
        ("os.fsync", STREAM),
        ("module.BlobFolder._publish", STREAM),
    ],
    ids=["few-unflushed", "many-unflushed", "few-unnamed", "many-unnamed", "stream-unflushed", "stream-unnamed"],
)
def test_a_killed_writer_leaves_no_blob_by_half(root, place, act):
    assert -signal.SIGKILL == start(KILLED_BEFORE.format(place=place, act=act), root).wait(30)

    left = files(root)
    assert left
    assert [] == list(BlobFolder(root).all())

    again = BlobFolder(root)
    again.put_many([b"x" * 5000])
    assert left == [path for path in files(root) if path in left], "its writer may still be at it"
    for path in left:
        os.utime(path, (time.time() - 90_000, time.time() - 90_000))
    BlobFolder(root).put_many([b"z"])
    assert sorted([again.path(sha(b"x" * 5000)), again.path(sha(b"z"))]) == files(root)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """Return a disk of 256 kB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("count", [1, durable.MANY * 2])
def test_on_a_full_disk_the_batch_is_offered_again_and_nothing_is_left(tiny, count):
    blobs = BlobFolder(tiny)
    (small,) = blobs.put_many([b"small"])
    mails = [os.urandom(400_000 // count) for _ in range(count)]

    for _ in range(3):
        with pytest.raises(Retry, match="No space left"):
            blobs.put_many(mails)

    assert [blobs.path(small)] == files(tiny)
    assert b"small" == blobs.read(small)
    assert [small] == blobs.put_many([b"small"])


def test_a_stream_onto_a_full_disk_is_given_up_and_nothing_is_left(tiny):
    writer = BlobFolder(tiny).writer()

    def fill() -> None:
        for _ in range(100):
            writer.write(b"x" * 10_000)

    with pytest.raises(Retry, match="No space left"):
        fill()

    assert [] == files(tiny)


LIMITED = """
    import resource
    from services.domain.errors import Retry
    from services.storage.blobs import BlobFolder
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    blobs = BlobFolder(Path(sys.argv[1]))
    for act in (lambda: blobs.put_many([b"fits", b"x" * 5000]), lambda: blobs.writer().write(b"x" * 5000)):
        try:
            act()
        except Retry as error:
            assert "File too large" in str(error), error
        else:
            sys.exit("no Retry")
"""


def test_a_file_that_the_system_refuses_is_offered_again(root):
    assert 0 == start(LIMITED, root).wait(30)
    assert [] == files(root)


def test_the_disk_that_fails_to_flush_is_retried_and_no_blob_is_named(root, blobs, monkeypatch):
    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    monkeypatch.setattr(durable, "flush_filesystem", broken)
    for contents in (FEW, MANY):
        with pytest.raises(Retry, match="Input/output error"):
            blobs.put_many(contents)
        assert [] == files(root)


def test_a_folder_that_cannot_be_made_is_retried(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    blobs = BlobFolder(tmp_path / "file" / "blobs")

    with pytest.raises(Retry):
        blobs.put_many([b"x"])
    with pytest.raises(Retry):
        blobs.writer()
