"""The component that opens the endpoint for routers fits the base, Kubernetes and the config."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from services.runtime import config
from tests.deploy.test_manifests import BASE, DEPLOYMENTS, VERSIONS, pod

FOLDER = BASE.parent / "components" / "endpoint"
Object = dict[str, Any]


def read(name: str) -> Object:
    found: Object = yaml.safe_load((FOLDER / name).read_text())
    return found


PATCH, SERVICE, POLICY = read("fetcher.yaml"), read("service.yaml"), read("network.yaml")


def test_every_file_is_in_the_component():
    component = read("kustomization.yaml")

    named = [*component["resources"], *(patch["path"] for patch in component["patches"]), "kustomization.yaml"]
    assert sorted(named) == sorted(path.name for path in FOLDER.iterdir())
    assert ("Component", "kustomize.config.k8s.io/v1alpha1") == (component["kind"], component["apiVersion"])


@pytest.mark.parametrize("one", [SERVICE, POLICY], ids=lambda o: o["kind"])
@pytest.mark.parametrize("version", VERSIONS)
def test_each_object_is_valid(one: Object, version: str):
    kubernetes_validate.validate(one, version, strict=True)


def test_the_patch_adds_to_the_fetcher_what_the_config_reads():
    (container,) = pod(PATCH)["containers"]
    (base,) = pod(DEPLOYMENTS["fetcher"])["containers"]
    assert (DEPLOYMENTS["fetcher"]["metadata"]["name"], base["name"]) == (PATCH["metadata"]["name"], container["name"])
    given = {entry["name"]: entry["value"] for entry in container["env"]}
    assert set(given) <= set(re.findall(r"MAILWEAVE_[A-Z_]+", Path(config.__file__).read_text()))
    (mount,) = container["volumeMounts"]
    assert {mount["mountPath"]} == {
        str(Path(value).parent) for name, value in given.items() if name[-3:] in ("ERT", "KEY")
    }
    assert [mount["name"]] == [volume["name"] for volume in pod(PATCH)["volumes"]]


def test_one_port_goes_from_the_service_to_the_process():
    (container,) = pod(PATCH)["containers"]
    (port,) = container["ports"]
    (rule,) = POLICY["spec"]["ingress"]

    assert (port["name"], port["containerPort"]) == (
        SERVICE["spec"]["ports"][0]["targetPort"],
        rule["ports"][0]["port"],
    )
    assert f"0.0.0.0:{port['containerPort']}" == container["env"][0]["value"]
    labels = DEPLOYMENTS["fetcher"]["spec"]["template"]["metadata"]["labels"]
    assert labels == SERVICE["spec"]["selector"] == POLICY["spec"]["podSelector"]["matchLabels"]
