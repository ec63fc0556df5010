"""
The fetcher: reads mailboxes, takes pushed mail, writes raw mail into the blob store and ``mail-received``.

Promises that a mail is durable in the blob store before its record is sent, and that the record is acknowledged before
a cursor moves or a sender hears 250; a crash in between sends the same delivery twice under the same id.
Keeps leases in Redis (may be lost at any time) and cursors, deliveries and fencing numbers in PostgreSQL.
"""
