"""
The edge that all services share: config, logs, metrics, health, settings, Kafka, signals.

Wiring only: nothing here knows what a mail is.
"""
