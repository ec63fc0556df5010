"""The stores: PostgreSQL, the blob folder, Redis; with migrations, outboxes, credentials, reports."""
