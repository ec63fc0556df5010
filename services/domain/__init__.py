"""Every decision about mail, as pure functions on the standard library alone."""
