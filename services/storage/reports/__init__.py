"""What people and tools ask the store: read-only, with the role ``reader``, nothing is ever changed here."""
