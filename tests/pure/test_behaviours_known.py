"""The table of known outcomes: versions of Pythons and of loops, pre-releases, and branches with a release each."""

import pytest

from behaviours.known import Place, has_release, outcome, parsed, row_for, seen

OLD, NEW = outcome("old"), outcome("new")


@pytest.mark.parametrize(
    ("python", "releases", "has"),
    [
        ("3.12.8", "3.12.9, 3.13.2", False),
        ("3.12.9", "3.12.9, 3.13.2", True),
        ("3.13.1", "3.12.9, 3.13.2", False),
        ("3.13.2", "3.13.2, 3.12.9", True),
        ("3.14.0", "3.12.9, 3.13.2", True),
        ("3.14.0a1", "3.12.9, 3.13.2", True),
        ("3.11.15", "3.12.9, 3.13.2", False),
        ("3.13.0", "3.12.9", True),
        ("3.15.0a3", "3.15.0", False),
        ("3.15.0a3", "3.15.0a3", True),
        ("3.15.0rc1", "3.15.0b4", True),
        ("3.15.0rc2+", "3.15.0", False),
        ("3.12.10", "3.12.9", True),
    ],
)
def test_a_python_has_what_came_with_a_release_of_its_branch_or_of_one_before(python, releases, has):
    assert has_release(python, releases) is has


def test_a_version_that_is_none_says_what_one_looks_like():
    with pytest.raises(ValueError, match=r"3\.12\.9"):
        parsed("three")


@pytest.mark.parametrize(
    ("row", "fits"),
    [
        (seen(OLD), True),
        (seen(OLD, api="streams"), True),
        (seen(OLD, api="protocol"), False),
        (seen(OLD, loop="uvloop"), True),
        (seen(OLD, loop="asyncio"), False),
        (seen(OLD, loop="uvloop<0.22"), True),
        (seen(OLD, loop="uvloop<0.21.0"), False),
        (seen(OLD, loop="uvloop<=0.21.0"), True),
        (seen(OLD, loop="uvloop>=0.21,<0.23"), True),
        (seen(OLD, loop="uvloop>0.21"), False),
        (seen(OLD, since="3.12.0"), True),
        (seen(OLD, since="3.13.0"), False),
        (seen(OLD, fixed="3.12.9, 3.13.2"), True),
        (seen(OLD, fixed="3.12.1"), False),
    ],
)
def test_a_row_tells_of_the_places_that_it_names(row, fits):
    assert row.fits(Place("streams", "uvloop", "3.12.1", "0.21.0")) is fits


def test_the_first_row_that_fits_counts():
    rows = (seen(NEW, since="3.13.0"), seen(OLD))
    assert row_for(rows, Place("streams", "asyncio", "3.12.9")) == seen(OLD)
    assert row_for(rows, Place("streams", "asyncio", "3.13.0")) == seen(NEW, since="3.13.0")
    assert row_for((), Place("streams", "asyncio", "3.13.0")) is None
