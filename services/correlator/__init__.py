"""
The correlator says what a message points at: its thread and its evidence.

Reads ``mail-received``; writes ``mail-correlated`` (one ``MessageCorrelated`` per delivery, and
``ThreadChanged`` through its outbox). Promises the same grouping and the same evidence whatever the order of
arrival, and an equal result for a redelivery. Keeps the graph of all ids in PostgreSQL, schema ``correlator``.
Knows nothing of records, filters or activities, and acts on no setting.
"""
