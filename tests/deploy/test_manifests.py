"""The manifests: valid for Kubernetes, restricted, and what the code says about topics, config, services and probes."""

import copy
import dataclasses
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from deploy import topics
from services.cli.session import SERVICES
from services.contracts.topics import catalogue
from services.runtime import config, service
from tests.deploy.strimzi import KAFKA_TOPIC

BASE = Path(topics.__file__).parent / "base"
OWN_KINDS = {"KafkaTopic": KAFKA_TOPIC}
VERSIONS = ("1.31", "1.37")
REFUSALS = (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError, jsonschema.ValidationError)
Object = dict[str, Any]


def render() -> list[Object]:
    """What `kubectl kustomize` makes of the base: the resources, in the namespace. Anything else is not understood."""
    kustomization = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    assert set(kustomization) == {"apiVersion", "kind", "namespace", "resources"}
    objects = [o for name in kustomization["resources"] for o in yaml.safe_load_all((BASE / name).read_text())]
    for one in objects:
        if one["kind"] != "Namespace":
            one["metadata"]["namespace"] = kustomization["namespace"]
    return objects


OBJECTS = render()
NAMED = [pytest.param(o, id=f"{o['kind']}-{o['metadata']['name']}") for o in OBJECTS]
WORKLOADS = [o for o in OBJECTS if o["kind"] in ("Deployment", "Job")]
DEPLOYMENTS = {o["metadata"]["name"]: o for o in OBJECTS if o["kind"] == "Deployment"}


def check(one: Object, version: str) -> None:
    """Raise when an object is not what its kind allows, or its kind is unknown."""
    if one["kind"] in OWN_KINDS:
        jsonschema.validate(one, OWN_KINDS[one["kind"]])
    else:
        kubernetes_validate.validate(one, version, strict=True)


def pod(one: Object) -> Object:
    spec: Object = one["spec"]["template"]["spec"]
    return spec


def test_every_file_of_the_base_is_in_the_kustomization():
    listed = yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]

    assert sorted(p.name for p in BASE.glob("*.yaml") if p.name != "kustomization.yaml") == sorted(listed)


@pytest.mark.parametrize("one", NAMED)
@pytest.mark.parametrize("version", VERSIONS)
def test_each_object_is_valid(one: Object, version: str):
    check(one, version)


def test_a_misspelled_probe_a_wrong_type_and_an_unknown_kind_would_be_seen():
    good = DEPLOYMENTS["fetcher"]
    misspelled, wrong = copy.deepcopy(good), copy.deepcopy(good)
    pod(misspelled)["containers"][0]["readynessProbe"] = {}
    wrong["spec"]["replicas"] = "two"
    unknown = {"apiVersion": "x/v1", "kind": "Unheard", "metadata": {"name": "x"}}
    topic = {**topics.topics()[0], "spec": {"partition": 3}}

    for bad in (misspelled, wrong, unknown, topic):
        with pytest.raises(
            (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError, jsonschema.ValidationError)
        ):
            check(bad, VERSIONS[-1])


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_renders_the_same():
    rendered = subprocess.run(["kubectl", "kustomize", str(BASE)], capture_output=True, check=True, text=True).stdout

    def ordered(objects: list[Object]) -> list[Object]:
        return sorted(objects, key=lambda o: (o["kind"], o["metadata"]["name"]))

    assert ordered(list(yaml.safe_load_all(rendered))) == ordered(OBJECTS)


@pytest.mark.parametrize("one", WORKLOADS, ids=lambda o: o["metadata"]["name"])
def test_pods_are_restricted(one: Object):
    spec = pod(one)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]
        assert not container["image"].endswith(":latest")
        assert ":" in container["image"]


def test_there_is_a_deployment_for_every_service_that_runs_it():
    assert sorted(DEPLOYMENTS) == sorted(SERVICES)
    for name, one in DEPLOYMENTS.items():
        (container,) = pod(one)["containers"]
        assert container["args"] == [f"services.{name}"]
        assert (Path(config.CHECKOUT) / "services" / name / "__main__.py").is_file()


def test_a_disruption_budget_stands_only_where_there_are_replicas_to_spare():
    budgets = {o["metadata"]["name"] for o in OBJECTS if o["kind"] == "PodDisruptionBudget"}
    assert budgets == {name for name, o in DEPLOYMENTS.items() if o["spec"]["replicas"] >= 2}


def test_the_environment_is_what_the_config_reads():
    known = set(re.findall(r"MAILWEAVE_[A-Z_]+", Path(config.__file__).read_text()))
    (settings,) = (o for o in OBJECTS if o["kind"] == "ConfigMap")
    for one in WORKLOADS:
        (container,) = pod(one)["containers"]
        assert container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
        given = set(settings["data"]) | {e["name"] for e in container["env"]}
        assert given <= known
        values = {**dict.fromkeys(given, "postgresql://x"), **settings["data"]}
        values |= {"MAILWEAVE_SECRET_KEY": "A" * 43 + "=", "MAILWEAVE_SECRET_KEY_FILE": ""}
        loaded = config.load(values)
        assert dataclasses.is_dataclass(loaded)
        mounts = {m["mountPath"] for m in container["volumeMounts"]}
        assert str(Path(settings["data"]["MAILWEAVE_SECRET_KEY_FILE"]).parent) in mounts
        assert "/scratch" in mounts


def test_raw_mails_are_mounted_where_they_are_read():
    (settings,) = (o for o in OBJECTS if o["kind"] == "ConfigMap")
    have = {
        name
        for name, one in DEPLOYMENTS.items()
        for m in pod(one)["containers"][0]["volumeMounts"]
        if m["mountPath"] == settings["data"]["MAILWEAVE_BLOBS"]
    }
    using = {
        name for name in SERVICES
        if any("BlobFolder" in path.read_text() for path in (Path(config.CHECKOUT) / "services" / name).glob("*.py"))
    }  # fmt: skip
    assert have == using


def test_probes_ask_what_the_services_answer_and_a_stop_has_its_time():
    health = (Path(service.__file__).parent / "health.py").read_text()
    (settings,) = (o for o in OBJECTS if o["kind"] == "ConfigMap")
    for one in DEPLOYMENTS.values():
        (container,) = pod(one)["containers"]
        (port,) = container["ports"]
        assert str(port["containerPort"]) == settings["data"]["MAILWEAVE_METRICS_PORT"]
        for probe, path in (("startupProbe", "/live"), ("livenessProbe", "/live"), ("readinessProbe", "/ready")):
            assert container[probe]["httpGet"] == {"path": path, "port": port["name"]}
            assert f'"{path}"' in health
        assert pod(one)["terminationGracePeriodSeconds"] > service.STOP_SECONDS


def test_the_topics_are_those_of_the_catalogue():
    """`make topics` writes them."""
    assert topics.TARGET.read_text() == topics.text()
    found = {o["metadata"]["name"]: o["spec"] for o in OBJECTS if o["kind"] == "KafkaTopic"}
    assert {name: spec["partitions"] for name, spec in found.items()} == {
        name: topic.partitions for name, topic in catalogue().items()
    }
    for name, topic in catalogue().items():
        assert found[name]["config"]["cleanup.policy"] == topic.cleanup


def test_only_the_fetcher_may_speak_to_mail_servers():
    policies = {o["metadata"]["name"]: o["spec"] for o in OBJECTS if o["kind"] == "NetworkPolicy"}
    assert policies["deny-all"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    mail = [
        spec["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for spec in policies.values()
        for rule in spec.get("egress", ())
        if any(port["port"] in (143, 993) for port in rule["ports"])
    ]
    assert mail == ["fetcher"]
