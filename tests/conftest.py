"""The axes of the comparison as fixtures with readable ids: api, loop. What is missing is skipped with its reason."""

import functools
import importlib.util
import os
import signal
import subprocess
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import warm
from harness import EVERYTHING, examples
from hypothesis import settings

from comparison import endpoints
from comparison.play import processes

APIS = ("protocol", "streams")

settings.register_profile("any machine", examples(100))
settings.load_profile("any machine")

# Hundreds of programs are started, each of which would otherwise compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background by a shell: what we start would ignore Ctrl-C, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of what is tried with each API on each loop, a half on one Python and the other half on the next; all of it with
    EVERYTHING=1 in the environment."""
    if EVERYTHING:
        return
    chosen, others = [], []
    for item in items:
        values = getattr(item, "callspec", None) and item.callspec.params
        halved = bool(values) and {"api", "loop"} <= values.keys()
        odd = halved and (values["api"] == APIS[0]) ^ (values["loop"] == "asyncio") ^ (sys.version_info.minor % 2)
        (others if odd else chosen).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = chosen


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: often a test waits, for what it has started or for a limit of time."""
    return (os.cpu_count() or 1) + 2


def pytest_unconfigure() -> None:
    """All programs have ended."""
    warm.close()


@pytest.fixture(scope="session", autouse=True)
def programs_are_forked() -> Iterator[None]:
    """What the engine starts in this process starts as the tests' own programs do. What an interpreter answers, it is
    asked once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "subprocess", types.SimpleNamespace(**vars(subprocess) | {"Popen": warm.popen}))
        patch.setattr(endpoints, "_ask", functools.cache(endpoints._ask))
        yield


@pytest.fixture
def programs_start_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests in which it matters how long a program lives: one that is forked may have done its work at once."""
    monkeypatch.setattr(processes, "subprocess", subprocess)


def loops() -> list[object]:
    """Both event loops; uvloop with a mark that skips it, and says why, where it is not installed."""
    missing = importlib.util.find_spec("uvloop") is None
    skip = pytest.mark.skipif(missing, reason="uvloop is not installed: pip install uvloop")
    return ["asyncio", pytest.param("uvloop", marks=skip)]


def installed_loops() -> list[str]:
    """Both event loops, for a test that plays with all of them at once; uvloop only where it is installed."""
    return ["asyncio"] + ["uvloop"] * (importlib.util.find_spec("uvloop") is not None)


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> str:
    """Which implementation is under test."""
    return request.param


@pytest.fixture(params=loops())
def loop(request: pytest.FixtureRequest) -> str:
    """Which event loop it runs on."""
    return request.param


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files: `ca` has signed `cert` (localhost, 127.0.0.1, ::1) and `client_cert`; `other_ca` has not."""

    ca: str
    cert: str
    key: str
    client_cert: str
    client_key: str
    other_ca: str


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority made for this run, and what it has signed."""
    trustme = pytest.importorskip("trustme", reason="trustme is not installed: pip install trustme")
    folder: Path = tmp_path_factory.mktemp("certificates")
    ca = trustme.CA()
    server, client = ca.issue_cert("localhost", "127.0.0.1", "::1"), ca.issue_cert("client@example.org")
    blobs = {
        "ca": ca.cert_pem,
        "cert": server.cert_chain_pems[0],
        "key": server.private_key_pem,
        "client_cert": client.cert_chain_pems[0],
        "client_key": client.private_key_pem,
        "other_ca": trustme.CA().cert_pem,
    }
    for name, blob in blobs.items():
        blob.write_to_path(folder / f"{name}.pem")
    return Certificates(**{name: str(folder / f"{name}.pem") for name in blobs})
