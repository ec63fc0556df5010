"""The alerter turns signals into alerts: keyed, counted, resolved by themselves.

To come: it will consume ``alert-signals`` and write ``alert-events``.
"""
