"""
The demonstration: an invented company, its directory, and mails that we wrote ourselves.

``mails/`` holds the mails, ``deliveries.jsonl`` says which mailbox gets which of them, in this order: a reply
comes before the mail that it answers. ``directory.jsonl`` and ``settings.json`` are what ``mailweave directory
apply`` and ``mailweave settings apply`` read.
"""
