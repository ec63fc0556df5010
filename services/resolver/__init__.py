"""
The resolver decides whether a message is filed, for whom and under which record, and stores the activity.

It reads ``mail-correlated`` and ``directory``, writes ``activity-events`` and ``mail-decided`` through its
outbox, and keeps messages, evidence, decisions, activities and the projected directory in PostgreSQL
(schema ``resolver``). It promises exactly one current decision for each delivery, whatever the order and
however often records come.
"""
