"""``python -m services.correlator``."""

from services.correlator.app import build
from services.runtime.service import run

run("correlator", build)
