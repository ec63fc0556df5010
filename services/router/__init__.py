"""
The router: reads mailboxes near a mail server that the installation cannot reach, and hands their mail in.

Reads a file and the endpoint of the fetcher, writes to that endpoint alone, promises what the fetcher promises: a mail
is deleted, or a cursor moved past it, only once the endpoint has said that it is durable. Keeps nothing: cursors and
deliveries are those of the installation.
"""
