"""Writes topics.yaml from the catalogue (``make topics``): every topic as a Strimzi resource."""

from pathlib import Path
from typing import Any

import yaml

from services.contracts.topics import catalogue
from services.runtime.admin import properties

TARGET = Path(__file__).parent / "base/topics.yaml"
SAFE = {"min.insync.replicas": "2"}  # what was acknowledged outlives a broker
HEAD = "# Written by `make topics` from schemas/topics; a test says when it is not current.\n"


def topics() -> list[dict[str, Any]]:
    """Return one KafkaTopic for each topic of the catalogue."""
    return [
        {
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaTopic",
            "metadata": {"name": topic.name, "labels": {"strimzi.io/cluster": "mailweave"}},
            "spec": {"partitions": topic.partitions, "replicas": 3, "config": {**properties(topic), **SAFE}},
        }
        for topic in sorted(catalogue().values(), key=lambda topic: topic.name)
    ]


def text() -> str:
    """Return the file's content."""
    return HEAD + "---\n".join(yaml.safe_dump(topic, sort_keys=False) for topic in topics())


if __name__ == "__main__":
    TARGET.write_text(text())
