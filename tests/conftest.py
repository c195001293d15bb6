"""The axes of the comparison as fixtures with readable ids: api, loop. What is missing here is skipped with the reason."""

import importlib.util

import pytest

APIS = ("protocol", "streams")


def loops() -> list[object]:
    """Both event loops; uvloop with a mark that skips it, and says why, where it is not installed."""
    missing = importlib.util.find_spec("uvloop") is None
    skip = pytest.mark.skipif(missing, reason="uvloop is not installed: pip install uvloop")
    return ["asyncio", pytest.param("uvloop", marks=skip)]


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> str:
    """Which implementation is under test."""
    return request.param


@pytest.fixture(params=loops())
def loop(request: pytest.FixtureRequest) -> str:
    """Which event loop it runs on."""
    return request.param
