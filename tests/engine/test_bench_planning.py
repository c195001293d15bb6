"""From what the user asks for to a plan: cells, arms, and what does not go on this machine."""

import pytest
from recorded import endpoint

from comparison.bench import arms, limits, planning
from comparison.bench.plan import Cell
from comparison.bench.planning import Request
from comparison.model import CannotCompare, Endpoint

ENDPOINTS = [endpoint(api, loop) for api in ("streams", "protocol") for loop in ("asyncio", "uvloop")]
OTHER = Endpoint(
    *("other", "none", "none", "other"), ("other", "--listen={port}"), ("send", "{host}:{port}"), takes_options=False
)


def cells(request: Request, **more: object) -> list[Cell]:
    return list(planning.make(request, ENDPOINTS, ENDPOINTS, **more)[0].cells)


def keys(request: Request) -> list[str]:
    return [cell.key for cell in cells(request)]


def test_the_default_varies_the_size_and_the_number_of_connections_around_the_middle():
    assert keys(Request()) == [
        "echo/64/10",
        "echo/1024/10",
        "echo/65536/10",
        "echo/1024/1",
        "echo/1024/100",
        "bulk/134217728/1",
        "connect/1024/10",
        "memory/64/1000",
        "rate/1024/10/2000",
    ]


def test_the_grid_is_every_size_with_every_number():
    assert len(keys(Request(workloads=["echo"], grid=True))) == 9


def test_quick_is_one_of_each_and_says_what_it_leaves_out():
    plan, notes = planning.make(Request(quick=True), ENDPOINTS, ENDPOINTS)
    assert [cell.key for cell in plan.cells] == ["echo/1024/10", "connect/1024/10", "memory/64/1000"]
    assert (plan.time_s < 60, notes) == (
        True,
        ["--quick leaves out bulk, rate; add --workload to choose, or leave out --quick"],
    )


def test_what_is_asked_for_replaces_the_default():
    request = Request(workloads=["echo", "memory"], sizes_bytes=[100], connections=[10000])
    assert keys(request) == ["echo/100/10000", "memory/64/10000"]


def test_the_arms_are_the_endpoints_and_those_that_put_them_in_proportion():
    found = {cell.key: cell.arms for cell in cells(Request())}
    own = tuple(one.label for one in ENDPOINTS)
    beside = ("buffered/asyncio", "sockets/asyncio")
    assert found["echo/64/10"] == own + beside
    assert found["echo/1024/10"] == (*own, *beside, "streams/asyncio, debug logs")
    assert len(found["bulk/134217728/1"]) == 16


def test_the_reference_comes_first_wherever_it_takes_part():
    for cell in cells(Request(), reference="protocol/uvloop"):
        assert cell.reference.startswith("protocol/uvloop")


def test_logs_are_at_info_but_for_one_arm():
    plan, _ = planning.make(Request(), ENDPOINTS, ENDPOINTS)
    levels = {
        arm.label: arm.server_command[arm.server_command.index("--log-level") + 1] for arm in plan.arms if arm.factors
    }
    assert set(levels.values()) == {"info"}
    assert "debug" in plan.arm("streams/asyncio, debug logs").server_command


def test_a_command_with_a_place_for_the_port_is_started_as_it_stands():
    plan, _ = planning.make(Request(workloads=["echo", "bulk"]), [OTHER, *ENDPOINTS], [OTHER])
    arm = plan.arm("other -> other")
    assert arms.located(arm.server_command, "127.0.0.1", 7) == ["other", "--listen=7"]
    assert arms.located(arm.client_command, "127.0.0.1", 7) == ["send", "127.0.0.1:7"]
    assert not any("debug" in label for cell in plan.cells for label in cell.arms)
    alone, _ = planning.make(Request(workloads=["echo"]), [OTHER], [OTHER])
    assert alone.cells[0].arms == ("other",)


def at(connections: int) -> list[Cell]:
    return [Cell("echo", 64, connections, ("a",))]


def test_more_connections_than_ports_are_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(limits, "ephemeral_ports", lambda: 100)
    limits.check_connections(at(100))
    with pytest.raises(CannotCompare, match=r"101: this machine has 100 ephemeral ports .* net\.ipv4"):
        limits.check_connections(at(101))


def test_more_connections_than_files_are_refused_with_the_remedy(monkeypatch):
    resource = pytest.importorskip("resource")
    raised = []
    monkeypatch.setattr(limits, "ephemeral_ports", lambda: 10**6)
    monkeypatch.setattr(limits.resource, "getrlimit", lambda _: (200, 1000))
    monkeypatch.setattr(limits.resource, "setrlimit", lambda *given: raised.append(given))
    limits.check_connections(at(100))
    assert raised == []
    limits.check_connections(at(900))
    assert raised == [(resource.RLIMIT_NOFILE, (964, 1000))]
    with pytest.raises(CannotCompare, match=r"1000 files open here, and this takes 5064; .* ulimit -Hn 5064"):
        limits.check_connections(at(5000))


@pytest.mark.parametrize(("usable", "expected"), [({0}, (None, None)), ({0, 3, 5}, (frozenset({3}), frozenset({5})))])
def test_server_and_load_get_a_core_of_their_own_where_there_are_two(usable, expected, monkeypatch):
    monkeypatch.setattr(limits.os, "sched_getaffinity", lambda _: usable, raising=False)
    assert limits.cores() == expected
