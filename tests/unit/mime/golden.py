"""The golden mails of the parser, by name."""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "golden" / "mime"
NAMES = sorted(path.stem for path in FOLDER.glob("*.eml"))


def golden(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()
