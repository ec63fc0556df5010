"""True implementations of the stores: PostgreSQL, the blob folder, Redis; migrations, outboxes, credentials, reports."""
