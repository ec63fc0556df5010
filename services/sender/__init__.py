"""The sender submits outgoing mail through SMTP.

To come: it will consume ``send-requests`` and write ``send-events``.
"""
