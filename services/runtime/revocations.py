"""Revoked API tokens: one number (jti) a line in a file, read again every few seconds."""

from pathlib import Path

from services.runtime import wall

READ_AGAIN_SECONDS = 5.0


class Revocations:
    """The numbers of tokens that are no longer good."""

    def __init__(self, path: Path) -> None:
        self._path, self._read_at, self._numbers = path, 0.0, frozenset[str]()

    def numbers(self) -> frozenset[str]:
        """Give the revoked numbers; at most `READ_AGAIN_SECONDS` old."""
        now = wall.unix()
        if now - self._read_at >= READ_AGAIN_SECONDS:
            self._read_at = now
            self._numbers = frozenset(self._path.read_text().split()) if self._path.exists() else frozenset()
        return self._numbers

    def add(self, number: str) -> None:
        """Revoke the token of that number."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(number + "\n")
