"""Runs the resolver: ``python -m services.resolver``."""

from services.resolver.app import build
from services.runtime.service import run

if __name__ == "__main__":
    run("resolver", build)
