"""From what the user asks for to a plan: cells, arms, and what does not go on this machine."""

import argparse

import pytest
from recorded import endpoint

import compare
from comparison.bench import environment, planning
from comparison.bench.plan import Cell
from comparison.model import CannotCompare, Endpoint
from comparison.play.machine import too_few_files
from comparison.play.transports import filled

ENDPOINTS = [endpoint(api, loop) for api in ("streams", "protocol") for loop in ("asyncio", "uvloop")]
OTHER = Endpoint(
    *("other", "none", "none", "other"), ("other", "--listen={port}"), ("send", "{host}:{port}"), takes_options=False
)


def options(**changes: object) -> argparse.Namespace:
    """What the user has asked for: the options that are given, and else the defaults."""
    return argparse.Namespace(**{**vars(compare.parser("bench").parse_args([])), **changes})


def cells(request: argparse.Namespace, **more: object) -> list[Cell]:
    return list(planning.make(request, ENDPOINTS, **more).cells)


def keys(request: argparse.Namespace) -> list[str]:
    return [cell.key for cell in cells(request)]


def test_the_default_is_what_decides_a_choice():
    assert keys(options()) == [
        "echo/64/10",
        "echo/1024/10",
        "echo/65536/10",
        "echo/1024/1",
        "echo/1024/100",
        "lines/64/10/x16",
        "connect/1024/10",
        "fresh/1024/100",
        "memory/64/500",
        "echo/1024/10/tls",
        "fresh/1024/10/tls",
        "memory/64/100/tls",
    ]


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (options(), 360),
        (options(quick=True), 60),
        (options(quick=True, workload=["lines"]), 60),
        (options(quick=True, workload=["connect"]), 60),
        (options(quick=True, transport=["tls"]), 60),
    ],
)
def test_there_is_time_for_eight_rounds(asked, seconds):
    made = planning.make(asked, ENDPOINTS)
    assert made.rounds == 8
    assert planning.duration_s(made) < seconds


def test_quick_is_two_of_them():
    assert keys(options(quick=True)) == ["echo/1024/10", "connect/1024/10"]


def test_quick_takes_what_is_asked_for_and_nothing_beside():
    assert keys(options(quick=True, size=[64], connections=[5])) == ["echo/64/5", "connect/64/5"]
    assert keys(options(quick=True, workload=["echo"], size=[64, 1024])) == ["echo/64/10", "echo/1024/10"]


def test_what_is_asked_for_replaces_the_default():
    asked = options(workload=["echo", "memory"], size=[100], connections=[10000])
    assert keys(asked) == ["echo/100/10000", "memory/64/10000"]
    assert keys(options(workload=["lines"], size=[200], connections=[1], in_flight=1)) == ["lines/200/1/x1"]
    assert keys(options(workload=["half", "half"], size=[1024, 1024])) == ["half/1024/10"]


def test_over_tls_there_is_the_same():
    asked = options(transport=["tcp", "tls"], workload=["echo", "lines"], size=[100], connections=[1])
    assert keys(asked) == ["echo/100/1", "lines/100/1/x16", "echo/100/1/tls", "lines/100/1/x16/tls"]


def test_who_cannot_serve_tls_takes_no_part_there():
    found = planning.make(options(transport=["tls"], workload=["echo"]), [*ENDPOINTS, OTHER])
    assert found.cells[0].arms == (*(one.label for one in ENDPOINTS), "buffered/asyncio")
    assert found.cells[0].anchor == "buffered/asyncio"
    with pytest.raises(CannotCompare, match="nobody of these can be measured so"):
        planning.make(options(transport=["tls"], workload=["echo"]), [OTHER])


def test_a_line_has_room_for_its_length():
    with pytest.raises(CannotCompare, match="--size 9: a line has 10 bytes at least"):
        cells(options(workload=["lines"], size=[9]))


def test_the_arms_are_the_endpoints_and_those_that_put_them_in_proportion():
    found = {cell.key: cell.arms for cell in cells(options(workload=["echo", "lines"]))}
    own = tuple(one.label for one in ENDPOINTS)
    assert found["echo/64/10"] == own
    assert found["echo/1024/10"] == (*own, "buffered/asyncio", "sockets/asyncio")
    assert len(found["lines/64/10/x16"]) == 2 * len(planning.IDIOMS)
    assert found["lines/64/10/x16"][0] == "readline/asyncio"


def test_the_reference_comes_first_wherever_it_takes_part():
    for cell in cells(options(workload=["echo", "connect"]), reference="protocol/uvloop"):
        assert cell.reference == "protocol/uvloop"


def test_no_connection_is_logged():
    """A log line is a tenth of what a connection costs, and one API writes more of them than the other."""
    plan = planning.make(options(), ENDPOINTS)
    for arm in plan.arms:
        command = arm.server_command
        level = command[command.index("--log-level") + 1] if "--log-level" in command else None
        assert level == ("warning" if "implementation" in arm.factors else None)


def test_a_command_with_a_place_for_the_port_is_started_as_it_stands():
    plan = planning.make(options(workload=["echo"]), [OTHER, *ENDPOINTS])
    assert filled(plan.arms[0].server_command, host="127.0.0.1", port=7) == ("other", "--listen=7")
    assert [arm.label for arm in plan.arms if not arm.factors] == ["buffered/asyncio", "sockets/asyncio"]
    alone = planning.make(options(workload=["echo"]), [OTHER])
    assert alone.cells[0].arms == ("other",)


def test_more_connections_than_files_are_refused_with_the_remedy(monkeypatch):
    resource = pytest.importorskip("resource")
    raised = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (200, 1000))
    monkeypatch.setattr(resource, "setrlimit", lambda *given: raised.append(given))
    assert (too_few_files(100), raised) == (None, [])
    assert too_few_files(900) is None
    assert raised == [(resource.RLIMIT_NOFILE, (924, 1000))]
    lacking = too_few_files(5000)
    assert lacking == "a process may have 1000 files open here, and this takes 5024; raise the limit: ulimit -n 5024"


@pytest.mark.parametrize(("usable", "expected"), [({0}, (None, None)), ({0, 3, 5}, ({3}, {5}))])
def test_server_and_load_get_a_core_of_their_own_where_there_are_two(usable, expected, monkeypatch):
    monkeypatch.setattr(environment.os, "sched_getaffinity", lambda _: usable, raising=False)
    monkeypatch.setattr(environment, "SIBLINGS", "/nonexistent/{}")
    assert environment.cores() == expected


@pytest.mark.parametrize(
    ("threads", "expected"),
    [
        ({0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}, ({1}, {3})),
        ({0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}, ({2}, {3})),
        ({0: "0-1", 1: "0-1"}, (None, None)),
    ],
)
def test_two_hardware_threads_of_one_core_are_not_two_cores(threads, expected, monkeypatch, tmp_path):
    for number, text in threads.items():
        (tmp_path / str(number)).write_text(f"{text}\n")
    monkeypatch.setattr(environment, "SIBLINGS", f"{tmp_path}/{{}}")
    monkeypatch.setattr(environment.os, "sched_getaffinity", lambda _: set(threads), raising=False)
    assert environment.cores() == expected


@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "LD_PRELOAD", "GLIBC_TUNABLES"])
def test_what_changes_the_allocator_is_in_the_environment(name, monkeypatch):
    monkeypatch.setenv(name, "something")
    assert f"{name} something" in environment.summary(environment.collect([], (None, None)))
