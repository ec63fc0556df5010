"""``python -m services.fetcher``."""

from services.fetcher.app import main
from services.runtime.service import run_threads

run_threads("fetcher", main)
