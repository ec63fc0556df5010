"""``python -m services.alerter``."""

from services.alerter.app import build
from services.runtime.service import run

run("alerter", build)
