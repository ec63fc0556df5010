"""What is lost, what is only not read yet, and what cannot be compared."""

from services.fetcher.audit import Taken, compare


def taken(*uids: int, cursor: int, epoch: int = 7) -> Taken:
    return Taken(uidvalidity=epoch, cursor=cursor, uids=frozenset(uids))


def test_a_uid_below_the_cursor_without_a_delivery_is_missing():
    found = compare("m", "INBOX", 7, {1, 2, 3, 5, 9}, taken(1, 3, 4, cursor=5))

    assert (found.missing, found.backlog, found.expunged, found.on_server) == ((2, 5), 1, 1, 5)


def test_a_folder_that_was_never_read_is_all_backlog():
    assert compare("m", "INBOX", 7, {1, 2}, None).backlog == 2


def test_another_epoch_cannot_be_compared():
    found = compare("m", "INBOX", 8, {1, 2}, taken(1, cursor=2))

    assert (found.epoch, found.missing) == (True, ())
