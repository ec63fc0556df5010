"""``python -m services.cli``: the command ``mailweave`` from a checkout that is not installed."""

from services.cli.main import main

main()
