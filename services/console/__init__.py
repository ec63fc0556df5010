"""The console is the HTTP interface and the web pages.

To come: it will send ``commands`` and change nothing itself.
"""
