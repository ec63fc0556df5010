"""What an activity hangs off: people first, then folders, then what it answers (domain rule 3.6)."""

from hypothesis import given
from hypothesis import strategies as st

from services.domain.directory import RecordRef
from services.domain.regardings import Regarding, Source, Spoken, decided, with_manual, without

ONE, TWO, THREE = (RecordRef("case", name) for name in ("1", "2", "3"))
SILENT = Spoken()
PRODUCT = Spoken(folder_wins=True)


def manual(record: RecordRef) -> Regarding:
    return Regarding(record, Source.MANUAL, "mira", "she knows")


def folder(record: RecordRef, mailbox: str = "anna@own.example") -> Regarding:
    return Regarding(record, Source.FOLDER, mailbox, f"folder-rule/{record.id}")


def inherited(record: RecordRef) -> Regarding:
    return Regarding(record, Source.CORRELATED, why="activity")


def test_a_mail_hangs_off_what_people_say_and_its_folder_and_all_that_it_answers_in_this_order():
    found = decided([manual(THREE)], folder(TWO), [inherited(ONE), inherited(TWO)], SILENT, added=True)

    assert (manual(THREE), folder(TWO), inherited(ONE)) == found


def test_an_answer_has_every_record_of_what_it_answers_and_none_that_this_has_no_longer():
    first = decided([], None, [inherited(ONE), inherited(TWO)], SILENT, added=True)

    assert (inherited(ONE), inherited(TWO)) == first
    assert (inherited(TWO),) == decided(first, None, [inherited(TWO)], SILENT, added=False)


def test_two_mailboxes_give_a_record_each_whichever_came_first():
    anna, ben = folder(ONE), folder(TWO, "ben@own.example")

    for first, second in ((anna, ben), (ben, anna)):
        assert (anna, ben) == decided([first], second, [], SILENT, added=True)


def test_a_copy_in_another_folder_of_the_mailbox_changes_the_record_once_when_it_comes():
    moved = decided([folder(ONE)], folder(TWO), [], SILENT, added=True)

    assert (folder(TWO),) == moved
    assert moved == decided(moved, folder(ONE), [], SILENT, added=False)
    assert moved == decided(moved, None, [], SILENT, added=True)


def test_what_a_person_takes_away_neither_folder_nor_conversation_gives_again():
    said = Spoken(frozenset({ONE, TWO}))

    assert (inherited(THREE),) == without([folder(ONE), inherited(TWO), inherited(THREE)], said)
    assert (inherited(THREE),) == decided([], folder(ONE), [inherited(TWO), inherited(THREE)], said, added=True)


def test_a_person_who_files_it_comes_before_the_folder_and_the_product_has_it_the_other_way():
    assert (manual(TWO), folder(ONE)) == with_manual([folder(ONE)], [manual(TWO)], SILENT)
    assert (folder(ONE), manual(TWO)) == with_manual([folder(ONE)], [manual(TWO)], PRODUCT)


def test_16_in_the_products_way_the_folder_overrides_what_a_person_has_taken_away():
    """While the mail lies there: nothing but the rule of its folder gives it again."""
    said = Spoken(frozenset({ONE}), folder_wins=True)

    assert (folder(ONE),) == without([folder(ONE)], said)
    assert (folder(ONE),) == decided([], folder(ONE), [], said, added=False)
    assert () == decided([], None, [inherited(ONE)], said, added=False)


def test_a_record_that_two_reasons_give_has_the_stronger_one():
    assert (manual(ONE),) == with_manual([folder(ONE)], [manual(ONE)], SILENT)
    assert (manual(ONE),) == with_manual([inherited(ONE)], [manual(ONE)], SILENT)
    assert (folder(ONE),) == decided([], folder(ONE), [inherited(ONE)], SILENT, added=True)


def test_saying_the_same_again_changes_nothing():
    other = Regarding(ONE, Source.MANUAL, "ben", "he knows, too")

    assert (manual(ONE), manual(TWO)) == with_manual([manual(ONE), manual(TWO)], [other], SILENT)


records = st.sampled_from([ONE, TWO, THREE])
folders = st.builds(folder, records, st.sampled_from(["anna@own.example", "ben@own.example"]))
hanging = st.lists(st.builds(manual, records) | folders | st.builds(inherited, records), max_size=4)
words = st.builds(Spoken, st.frozensets(records), st.booleans())


@given(hanging, st.none() | folders, st.lists(st.builds(inherited, records), max_size=3), words, st.booleans())
def test_deciding_again_changes_nothing_and_no_record_is_there_twice(before, given_by, answers, said, added):
    """The state that comes in is what was decided before, so that it ends."""
    start = decided(before, None, [], said, added=False)
    first = decided(start, given_by, answers, said, added=added)

    assert first == decided(first, given_by, answers, said, added=False)
    assert len({one.record for one in first}) == len(first)
    if not said.folder_wins:
        assert not [one for one in first if one.source != Source.MANUAL and one.record in said.taken_away]
