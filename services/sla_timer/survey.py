"""What indexes need of very many table values at once, read column by column: a microsecond or so a ticket.

Values that look alike (as long, as many clocks, a label as long, the same calendar) are read as one block, so that no
Python statement is run for a single clock. Source of the layout: `state.py`, docs/adr/0013.
"""

import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TypeVar

from services.core.service import Label, Survey
from services.core.transitions import TERMINAL
from services.sla_timer.state import ALARM_AT, CLOCK, CLOCK_CODES, DUE_AT, FORMAT, HEAD, NEVER, SHAPE_AT, SINCE_AT

T = TypeVar("T")
_SHAPE = slice(SHAPE_AT, HEAD.size)
"""Number of clocks, bytes of the label, calendar."""
_TERMINAL = {str(stage) for stage in TERMINAL}
_NAMES = {code: kind for kind, code in CLOCK_CODES.items()}


@cache
def _label(stored: bytes) -> Label | None:
    stage, kind, unit_group = stored.decode().split("\0")
    return None if stage in _TERMINAL else (stage, kind, unit_group)


def survey(items: Sequence[tuple[bytes, bytes]], outdated: frozenset[bytes] = frozenset()) -> Survey:
    """Give what indexes need of these keys and values; those in an older format are left `unread`.

    So are those with a clock whose calendar is one of `outdated` (its hash), or may be: another may wake it earlier.
    """
    seen = Survey([], [], [], [])
    for block, found in _alike(items):
        size = len(block) // len(found)
        shape = block[_SHAPE]
        if shape[3:] in outdated or block[::size].count(FORMAT) != len(found):
            seen.unread.extend(found)
        else:
            _read(block, size, shape[0], int.from_bytes(shape[1:3], "little"), [key for key, _ in found], seen)
    return seen


def _alike(items: Sequence[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, list[tuple[bytes, bytes]]]]:
    """Give the items of one length and one shape, with their values as one block."""
    as_long: defaultdict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
    for item in items:
        as_long[len(item[1])].append(item)
    for size, found in as_long.items():
        block = b"".join([value for _, value in found])
        if all(block[at::size].count(block[at]) == len(found) for at in range(_SHAPE.start, min(_SHAPE.stop, size))):
            yield block, found  # mostly: values as long as one another have the same shape
            continue
        shaped: defaultdict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
        for item in found:
            shaped[item[1][_SHAPE]].append(item)
        for some in shaped.values():
            yield b"".join([value for _, value in some]), some


def _read(block: bytes, size: int, count: int, length: int, keys: list[bytes], seen: Survey) -> None:
    """Note what stands in values of `size` bytes with `count` clocks and a label of `length` bytes."""
    behind = HEAD.size + count * CLOCK.size
    alarms = _column(block, size, ALARM_AT)
    wakes = zip(alarms, keys, strict=True)
    seen.wakes.append([(at, key) for at, key in wakes if at != NEVER] if NEVER in alarms else wakes)
    for stored, waiting in _apart(_labels(block, size, behind, behind + length), _column(block, size, SINCE_AT)):
        label = _label(stored)
        if label is not None:
            seen.waiting.append((label, waiting))
    for clock in range(HEAD.size, behind, CLOCK.size):
        kinds = _apart(block[clock::size], _column(block, size, clock + DUE_AT))
        seen.running.extend((_NAMES[code], dues) for code, dues in kinds)


def _labels(block: bytes, size: int, begin: int, end: int) -> list[bytes]:
    first, count = block[begin:end], len(block) // size
    if all(block[at::size].count(block[at]) == count for at in range(begin, end)):
        return [first] * count
    return [block[at : at + end - begin] for at in range(begin, len(block), size)]


def _column(block: bytes, size: int, begin: int) -> "array[int]":
    """Give the 8-byte numbers that stand at `begin` in each `size` bytes of a block."""
    together = bytearray(len(block) // size * 8)
    for place in range(8):
        together[place::8] = block[begin + place :: size]
    numbers = array("q", together)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _apart(names: Sequence[T], instants: "array[int]") -> list[tuple[T, Iterable[int]]]:
    """Give the instants by name."""
    distinct = dict.fromkeys(names)
    if len(distinct) == 1:
        return [(names[0], instants)]
    found: dict[T, list[int]] = {name: [] for name in distinct}
    for name, at in zip(names, instants, strict=True):
        found[name].append(at)
    return list(found.items())
