"""
The alerter turns signals into alerts: keyed, counted, resolved by themselves.

Reads ``alert-signals``; writes ``alert-events`` through its outbox. Promises at most one open alert per key, whatever
comes again or late. Keeps the alerts in PostgreSQL, schema ``alerter``.
"""
