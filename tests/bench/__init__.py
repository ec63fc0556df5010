"""The benchmark: ``make bench``, figures into RESULTS.md."""
