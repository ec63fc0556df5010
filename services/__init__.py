"""
Mailweave: mail that sits in mailboxes becomes activities of a CRM, and every decision explains itself.

The way of one message: the fetcher reads it from a mailbox into the blob store and hands it over on
``mail-received``; the correlator says what it points at (thread and evidence) on ``mail-correlated``; the
resolver decides whether, for whom and under which record it is filed, stores the activity and tells the
world on ``activity-events`` and ``mail-decided``. Services meet only at topics.
"""

__version__ = "0.1.0"
