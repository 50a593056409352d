"""Alarms on their way to the router and back: how far ahead of it an alarm clock may ring.

At the close of office a worker can ring many times as fast as the router decides. Whoever speaks then, a unit or a
citizen, would stand in the router's queue behind all of it. So only as many alarms are under way at once as were
answered within `AHEAD_S` lately: the next ones ring when facts about half of those tickets came back, many at once,
because small batches cost router and broker half as much again. An alarm that nothing follows from (its clock was
stopped meanwhile) is not waited for longer than `PATIENCE_S`.
"""

from collections.abc import Iterable

LEAST, MOST = 500, 10_000
"""Bounds of how many may be under way, whatever the router's pace."""
AHEAD_S = 0.75
"""How long the router should be busy with what is under way."""
PACE_S = 0.25
"""How often its pace is taken."""
PATIENCE_S = 5.0


class Unanswered:
    """Keys that rang and were not heard of since."""

    def __init__(self) -> None:
        self._keys: set[bytes] = set()
        self._last_rang = 0.0
        self._most = LEAST
        self._waiting = False
        self._answers, self._since = 0, 0.0

    def rang(self, keys: Iterable[bytes], now: float) -> None:
        """Note keys that rang at Unix time `now`."""
        if not self._keys:
            self._answers, self._since = 0, now
        self._keys.update(keys)
        self._last_rang = now

    def heard(self, key: bytes | None) -> None:
        """Note that a record of a key came."""
        if key in self._keys:
            self._keys.discard(key)
            self._answers += 1

    def enough(self, now: float) -> bool:
        """Say whether ringing must wait; what stayed without an answer for too long is given up."""
        if self._keys and now - self._last_rang > PATIENCE_S:
            self._keys.clear()
        if now - self._since >= PACE_S:
            pace = self._answers / (now - self._since)
            self._most = min(MOST, max(LEAST, int(pace * AHEAD_S)))
            self._answers, self._since = 0, now
        self._waiting = len(self._keys) >= (self._most / 2 if self._waiting else self._most)
        return self._waiting
