import pytest
import yaml

from services.contracts import catalogue, schema_files, schemas, topics
from services.domain.errors import Refused
from tests.unit.contracts import examples

FILES = sorted((schema_files.folder() / "topics").iterdir())
GOOD = yaml.safe_load((schema_files.folder() / "topics" / "mail-received.yaml").read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_topic_file_is_valid(path):
    assert path.stem == topics.parse(path.read_text(), source=path.name).name


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"retention_days": 7}, "retention_days: Extra inputs are not permitted"),
        ({"schemas": [{"name": "mail_received", "version": 1, "mode": "x"}]}, r"schemas\.0\.mode"),
        ({"partitions": 0}, "partitions"),
        ({"partitions": "8"}, "partitions"),
        ({"cleanup": "both"}, "cleanup"),
        ({"cleanup": "compact"}, "retention_hours"),
        ({"retention_hours": None}, "retention_hours"),
        ({"compatibility": "mostly"}, "compatibility"),
        ({"schemas": []}, "schemas"),
        ({"producers": []}, "producers"),
        ({"topic": "Mail Received"}, "topic"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_what_is_wrong_in_a_topic_file_is_refused_and_named(change, says):
    with pytest.raises(Refused, match=rf"^x\.yaml: .*{says}"):
        topics.parse(yaml.safe_dump({**GOOD, **change}), source="x.yaml")


@pytest.mark.parametrize("key", sorted(GOOD))
def test_no_key_may_be_missing(key):
    with pytest.raises(Refused, match=key):
        topics.parse(yaml.safe_dump({k: v for k, v in GOOD.items() if k != key}), source="x.yaml")


def test_what_is_no_yaml_is_refused():
    with pytest.raises(Refused, match="not YAML"):
        topics.parse("topic: [", source="x.yaml")


def test_a_file_with_the_name_of_another_topic_is_refused(tmp_path):
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(GOOD))

    with pytest.raises(Refused, match=r"must be named mail-received\.yaml"):
        topics.load(tmp_path)


def test_every_topic_has_examples_of_every_record_it_carries_and_of_no_other():
    carried = {topic.name: {schema.name for schema in topic.schemas} for topic in catalogue().values()}
    files = {schema.record: schema.name for schema in schemas.committed()}
    shown: dict[str, set[str]] = {}
    for good in examples.good():
        shown.setdefault(good.topic, set()).add(files[good.record])

    assert carried == shown


def test_every_stage_has_a_topic_for_its_dead_letters():
    """Each topic that a stage of the pipeline consumes; the settings are read without a group and skipped instead."""
    names = set(catalogue())

    assert {"mail-received-dead", "mail-correlated-dead", "directory-dead"} <= names
    for name in names:
        if name.endswith("-dead"):
            assert catalogue()[name.removesuffix("-dead")].partitions >= catalogue()[name].partitions


def test_topics_with_content_of_mail_do_not_keep_it_for_ever():
    for topic in catalogue().values():
        assert (topic.retention_hours is None) == (topic.name in {"settings", "directory"})
