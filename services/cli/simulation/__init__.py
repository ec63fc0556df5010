"""A dry run: the live decisions over given or stored mail, with everything they know in memory."""
