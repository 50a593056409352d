"""How the tests are shared out among workers."""

from tests.workers import LONGEST, SHARED_MESH, _scope


def test_the_files_that_are_begun_first_are_there_and_stand_for_themselves() -> None:
    first, *files = LONGEST
    assert SHARED_MESH == first
    assert files == [_scope(path) for path in files]
