"""
The endpoint: mail that a router has read is handed in over HTTPS (services/fetcher/README.md, "Mail from routers").

A router asks and tells here what the fetcher asks and tells of PostgreSQL itself, by the same functions.
"""
