"""
The contracts between the stages: Avro schemas, the codec, the topic catalogue.

``encode`` and ``decode`` turn records into bytes and back; ``catalogue`` says which topics there are and what
they carry. The files in ``schemas/`` are the only source of both.
"""

from services.contracts.codec import decode, encode
from services.contracts.topics import Topic, catalogue

__all__ = ["Topic", "catalogue", "decode", "encode"]
