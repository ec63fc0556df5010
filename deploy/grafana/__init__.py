"""The dashboard and what writes it."""
