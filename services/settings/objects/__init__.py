"""Groups of fields of server profiles and mailboxes, and what follows from them together."""
