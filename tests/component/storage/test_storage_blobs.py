from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from services.storage import durable
from services.storage.blobs import BlobFolder, Missing
from tests.component.storage.blob_files import files, sha, start

pytestmark = pytest.mark.component

MANY = [bytes([n]) * (n + 1) for n in range(durable.MANY * 3)]
FEW = MANY[:2]
sizes = pytest.mark.parametrize("contents", [FEW, MANY], ids=["flushed-one-by-one", "flushed-at-once"])


@sizes
def test_what_was_put_is_there_under_its_hash(root, blobs, contents):
    hashes = blobs.put_many(contents)

    assert [sha(one) for one in contents] == hashes
    assert contents == [blobs.read(one) for one in hashes]
    assert sorted(hashes) == list(blobs.all())
    assert all(blobs.exists(one) and blobs.verify(one) for one in hashes)
    assert {root / one[:2] / one for one in hashes} == set(files(root))


def test_equal_blobs_of_one_batch_are_stored_once(root, blobs):
    assert [sha(b"x"), sha(b"y"), sha(b"x")] == blobs.put_many([b"x", b"y", b"x"])
    assert 2 == len(files(root))


def test_nothing_is_put_and_nothing_happens(root, blobs):
    assert [] == blobs.put_many([])
    assert [] == list(blobs.all())
    assert not root.exists()


@sizes
def test_an_equal_blob_is_not_written_again(root, blobs, contents):
    blobs.put_many(contents)
    before = {path: path.stat().st_ino for path in files(root)}

    BlobFolder(root).put_many(contents)

    assert before == {path: path.stat().st_ino for path in files(root)}


def test_a_blob_that_a_broken_disk_cut_is_written_again(blobs):
    (one,) = blobs.put_many([b"content"])
    blobs.path(one).write_bytes(b"con")

    blobs.put_many([b"content"])

    assert b"content" == blobs.read(one)


def test_nobody_else_may_read_a_mail(root, blobs):
    blobs.put_many(MANY)

    assert {0o600} == {path.stat().st_mode & 0o777 for path in files(root)}
    assert {0o700} == {path.stat().st_mode & 0o777 for path in root.iterdir()}


def test_two_writers_of_one_blob_both_succeed(root):
    contents = [b"the same mail in many mailboxes", b"and another"]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: BlobFolder(root).put_many(contents), range(64)))

    assert {tuple(map(sha, contents))} == set(map(tuple, found))
    assert 2 == len(files(root))


def test_two_processes_write_the_same_blobs(root):
    script = """
        from services.storage.blobs import BlobFolder
        blobs = BlobFolder(Path(sys.argv[1]))
        for n in range(20):
            blobs.put_many([b"%d" % (n * 7 + k) for k in range(10)])
    """
    running = [start(script, root) for _ in range(3)]

    assert [0, 0, 0] == [one.wait(60) for one in running]
    assert all(BlobFolder(root).verify(one) for one in BlobFolder(root).all())
    assert {path.name for path in files(root)} == set(BlobFolder(root).all())


def test_a_stream_becomes_a_blob(root, blobs):
    with blobs.writer() as writer:
        for _ in range(100):
            writer.write(b"z" * 1000)
        one = writer.commit()

    assert sha(b"z" * 100_000) == one
    assert blobs.verify(one)
    assert [blobs.path(one)] == files(root)


def test_a_stream_that_is_given_up_leaves_nothing(root, blobs):
    writer = blobs.writer()
    writer.write(b"abc")
    writer.abort()
    writer.abort()
    with suppress(RuntimeError), blobs.writer() as other:
        other.write(b"abc")
        raise RuntimeError

    assert [] == files(root)


def test_a_stream_equal_to_a_blob_is_that_blob(root, blobs):
    blobs.put_many([b"abc"])
    with blobs.writer() as writer:
        writer.write(b"abc")
        assert sha(b"abc") == writer.commit()

    assert 1 == len(files(root))


def test_a_missing_or_damaged_blob_is_told(blobs):
    (one,) = blobs.put_many([b"content"])
    blobs.path(one).write_bytes(b"CONTENT")

    assert not blobs.verify(one)
    assert not blobs.verify(sha(b"never"))
    assert not blobs.exists(sha(b"never"))
    with pytest.raises(Missing):
        blobs.read(sha(b"never"))


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "ab" * 31, "AB" * 32, "ab" * 32 + "/x", "ab" * 32 + "\n"])
def test_what_is_no_hash_names_no_path(blobs, name):
    with pytest.raises(ValueError, match="not a SHA-256"):
        blobs.path(name)
