"""The cyclic garbage collector of a process that handles records all day."""

import gc

YOUNG, MIDDLE, OLD = 20_000, 20, 20
"""New containers before a collection, and collections of one generation before one of the next.

A record makes some fifty containers and no cycle: at Python's 700 every fourteenth record is followed by a search that
finds nothing, and so are the imports of a start, for a fifth of a second in all.
"""


def relax() -> None:
    """Look for cycles more rarely."""
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def settle() -> None:
    """Once everything is loaded: leave that alone for good, and look more rarely at what comes."""
    relax()
    gc.freeze()
