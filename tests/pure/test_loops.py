"""Event loops by name: the name makes that loop, and a name that cannot says what to do instead."""

import asyncio
import contextlib
import sys
import types

import pytest

from common.config import UsageError
from common.loops import loop_factory


class OwnLoop(asyncio.SelectorEventLoop):
    """A loop that asyncio does not know."""


def make_own_loop() -> asyncio.AbstractEventLoop:
    """What MODULE:FACTORY names."""
    return OwnLoop()


async def running_loop() -> asyncio.AbstractEventLoop:
    """The loop that this runs on."""
    return asyncio.get_running_loop()


@pytest.mark.parametrize("factory", ["make_own_loop", "OwnLoop"])
def test_module_and_factory_name_any_loop(factory):
    with asyncio.Runner(loop_factory=loop_factory(f"{__name__}:{factory}")) as runner:
        assert type(runner.run(running_loop())) is OwnLoop


def test_the_name_of_a_loop_makes_that_loop(loop):
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        assert type(runner.run(running_loop())).__module__.partition(".")[0] == loop


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("tokio", ("unknown event loop 'tokio'", "asyncio", "uvloop", "MODULE:FACTORY")),
        ("", ("unknown event loop ''", "choose asyncio")),
        (":factory", ("':factory'", "MODULE:FACTORY")),
        ("module:", ("'module:'", "MODULE:FACTORY")),
        ("no_such_package:factory", ("there is no module 'no_such_package'", "--loop asyncio")),
        ("streams.foo:bar", ("there is no module 'streams'", "--loop asyncio")),
        (".relative:factory", ("'.relative:factory'", "cannot be imported", "--loop asyncio")),
        ("asyncio:no_such", ("module asyncio has no function 'no_such'", "name the one that makes a loop")),
        ("os.:path", ("'os.:path'", "--loop asyncio")),
        ("asyncio:events", ("module asyncio has no function 'events'", "name the one that makes a loop")),
    ],
)
def test_a_name_that_makes_no_loop_is_answered_with_the_remedy(name, parts):
    with pytest.raises(UsageError) as error:
        loop_factory(name)
    assert [part for part in parts if part not in str(error.value)] == [], error.value


def test_uvloop_that_is_not_installed_is_answered_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(UsageError, match=r"'uvloop' is not installed; .*pip install uvloop .*--loop asyncio"):
        loop_factory("uvloop")


def test_one_that_is_made_from_another_is_handed_it(monkeypatch):
    handed = []
    monkeypatch.setitem(
        sys.modules, "aiofastnet", types.SimpleNamespace(patch_loop=lambda loop: handed.append(loop) or loop)
    )
    with contextlib.closing(loop_factory("aiofastnet")()) as loop:
        assert handed == [loop]


@pytest.mark.parametrize(("name", "needed"), [("aiofastnet", "aiofastnet"), ("aiofastnet-uvloop", "uvloop")])
def test_every_package_that_a_loop_needs_is_named(name, needed, monkeypatch):
    monkeypatch.setitem(sys.modules, needed, None)
    with pytest.raises(UsageError, match=rf"'{name}' is not installed; .*pip install {needed} .*--loop asyncio"):
        loop_factory(name)


@pytest.mark.parametrize(
    "body",
    [
        "raise ImportError('built for another Python')",
        "import sys; sys.no_such",
        "raise ValueError('two\\nlines')",
        "raise SystemExit(0)",
        "def x(:",
    ],
)
def test_a_module_that_fails_while_it_is_imported_is_not_mistaken_for_one_without_the_factory(
    body, tmp_path, monkeypatch
):
    (tmp_path / "broken_loop.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"'broken_loop:factory' cannot be imported"):
        loop_factory("broken_loop:factory")


async def coroutine() -> asyncio.AbstractEventLoop:
    """What makes a loop only where one is running."""
    return OwnLoop()


def nothing() -> None:
    """A function that makes nothing."""


def fails() -> None:
    """A function that fails."""
    raise ValueError("two\nlines")


def needs_more(option: str) -> None:
    """A function that cannot be called like that."""


def leaves() -> None:
    """A function that ends the program."""
    sys.exit(0)


def closed() -> asyncio.AbstractEventLoop:
    """A loop that has seen better days."""
    loop = OwnLoop()
    loop.close()
    return loop


@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        ("nothing", "None is no event loop"),
        ("coroutine", "is no event loop"),
        ("fails", "ValueError('two"),
        ("needs_more", "missing 1 required positional argument"),
        ("leaves", "SystemExit(0)"),
        ("closed", "Event loop is closed"),
    ],
)
def test_what_makes_no_loop_that_turns_is_answered_with_the_remedy(factory, reason):
    with pytest.raises(UsageError) as error:
        loop_factory(f"{__name__}:{factory}")()
    assert reason in str(error.value)
    assert str(error.value).endswith("; mend it or choose --loop asyncio")


def test_an_interface_of_a_loop_is_no_loop():
    with pytest.raises(
        UsageError, match=r"cannot be made \(NotImplementedError\(\)\); mend it or choose --loop asyncio"
    ):
        loop_factory("asyncio:AbstractEventLoop")()
