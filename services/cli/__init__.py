"""The command line: every way of looking at Mailweave, and the local servers it runs on."""
