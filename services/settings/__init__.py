"""The settings: what may be set and its bounds, the snapshot in force, and the publisher with its history."""
