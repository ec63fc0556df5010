"""Where the schema and topic files lie: packed into the wheel, else in the checkout."""

from functools import cache
from pathlib import Path


@cache
def folder() -> Path:
    """
    Return the folder that holds ``avro/`` and ``topics/``.

    The packaged copy comes first: in site-packages a folder ``schemas`` beside this package could be someone
    else's.
    """
    services = Path(__file__).resolve().parent.parent
    packaged = services / "_schemas"
    return packaged if packaged.is_dir() else services.parent / "schemas"
