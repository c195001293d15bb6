"""Who can take part: implementations, loops and interpreters that are there, and what is said of those that are not."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from comparison import endpoints
from comparison.endpoints import (
    IMPLEMENTATIONS,
    Commands,
    arms,
    available,
    environment,
    interpreters,
    select,
    third_party,
)
from comparison.model import CannotCompare, Endpoint, Interpreter
from comparison.scenarios import SCENARIOS
from comparison.selection import choose

BOTH = Interpreter("/usr/bin/python3", "3.12.1", {"uvloop": "0.21.0"})
BARE = Interpreter("/opt/python3", "3.13.0", {})
RUNNING = ".".join(map(str, sys.version_info[:3]))


def usual(pythons: Sequence[Interpreter], loops: Sequence[str] | None) -> tuple[list[Endpoint], list[str]]:
    """Those that take part of themselves, and what is said of others."""
    endpoints, notes = available(pythons, loops)
    return select(endpoints, None, "--server"), notes


ENDPOINTS, _ = usual([BOTH], None)


def labels(endpoints: Sequence[Endpoint]) -> list[str]:
    return [endpoint.label for endpoint in endpoints]


def program(path: Path, script: str) -> str:
    """A program of the shell that says that it is a Python."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def a_python(folder: Path, version: Sequence[int], implementation: str = "CPython", **packages: str) -> str:
    """A fake interpreter that answers questions about itself, and does nothing else."""
    answer = json.dumps([implementation, version, packages, ""])
    return program(folder / f"python{'.'.join(map(str, version))}", f"echo '{answer}'")


def trouble(**choice: Sequence[str]) -> str:
    """What the user reads where a comparison is not possible."""
    with pytest.raises(CannotCompare) as caught:
        choose(**choice)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_implementation_runs_on_every_loop_and_the_reference_comes_first():
    endpoints, notes = usual([BOTH], None)
    assert labels(endpoints) == ["streams/asyncio", "streams/uvloop", "protocol/asyncio", "protocol/uvloop"]
    assert notes == []


def test_an_endpoint_knows_the_commands_that_start_it():
    (endpoint, *_), _ = usual([BOTH], ["uvloop"])
    options = ("--loop", "uvloop", "--log-format", "json")
    assert endpoint == Endpoint(
        implementation="streams",
        loop="uvloop",
        python="3.12.1",
        label="streams/uvloop",
        server_command=("/usr/bin/python3", "-m", "streams_impl.server", *options),
        client_command=("/usr/bin/python3", "-m", "streams_impl.client", *options),
    )


def test_without_uvloop_its_endpoints_are_left_out_and_a_note_says_once_how_to_get_it():
    endpoints, notes = usual([BARE], None)
    assert labels(endpoints) == ["streams/asyncio", "protocol/asyncio"]
    (note,) = notes
    assert note == (
        "uvloop is not installed for Python 3.13.0, so it is left out; to add it: /opt/python3 -m pip install uvloop"
    )


def test_a_loop_that_was_asked_for_must_be_there():
    with pytest.raises(CannotCompare) as caught:
        available([BARE], ["asyncio", "uvloop"])
    message = "event loop 'uvloop' is not installed; install it with: /opt/python3 -m pip install uvloop"
    assert str(caught.value).startswith(message)


def test_a_loop_that_was_asked_for_must_be_there_for_each_interpreter():
    with pytest.raises(CannotCompare, match="/opt/python3 -m pip install uvloop"):
        available([BOTH, BARE], ["uvloop"])


def test_with_two_interpreters_the_labels_tell_their_versions():
    endpoints, notes = usual([BOTH, BARE], None)
    assert labels(endpoints) == [
        "streams/asyncio/3.12.1",
        "streams/asyncio/3.13.0",
        "streams/uvloop/3.12.1",
        "protocol/asyncio/3.12.1",
        "protocol/asyncio/3.13.0",
        "protocol/uvloop/3.12.1",
    ]
    assert [endpoint.python for endpoint in endpoints[:2]] == ["3.12.1", "3.13.0"]
    assert len(notes) == 1


def test_two_interpreters_of_one_version_are_told_apart():
    endpoints, _ = usual([BOTH, Interpreter("/opt/other/python3", "3.12.1", {"uvloop": "0.21.0"})], None)
    assert len(set(labels(endpoints))) == len(set(endpoints)) == 8


def test_any_loop_can_be_named_by_the_function_that_makes_it():
    python = Interpreter("/usr/bin/python3", "3.12.1", {"rloop": "0.1.0"})
    endpoints, _ = usual([python], ["asyncio", "rloop:new_event_loop"])
    assert labels(endpoints)[:2] == ["streams/asyncio", "streams/rloop:new_event_loop"]
    assert endpoints[1].server_command[3:5] == ("--loop", "rloop:new_event_loop")


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (None, ["streams/asyncio", "streams/uvloop", "protocol/asyncio", "protocol/uvloop"]),
        (["protocol"], ["protocol/asyncio", "protocol/uvloop"]),
        (["uvloop"], ["streams/uvloop", "protocol/uvloop"]),
        (["protocol/uvloop", "streams/asyncio"], ["streams/asyncio", "protocol/uvloop"]),
        (["streams", "streams/uvloop"], ["streams/asyncio", "streams/uvloop"]),
    ],
)
def test_endpoints_are_chosen_by_implementation_by_loop_or_by_label(names, chosen):
    assert labels(select(ENDPOINTS, names, "--server")) == chosen


def test_an_unknown_endpoint_lists_the_known_ones():
    with pytest.raises(CannotCompare) as caught:
        select(ENDPOINTS, ["streams", "nobody"], "--client")
    message = str(caught.value)
    assert message.startswith("--client 'nobody' stands for no endpoint; known here: ")
    known = set(message.partition(": ")[2].split(", "))
    assert known >= {"streams", "protocol", *labels(ENDPOINTS)}


@pytest.mark.parametrize(("name", "meant"), [("prtocol", "protocol"), ("uvlop", "uvloop"), ("Streams", "streams")])
def test_of_one_that_was_mistyped_it_says_what_may_be_meant(name, meant):
    with pytest.raises(CannotCompare, match=f"--client '{name}' stands for no endpoint; did you mean {meant}"):
        select(ENDPOINTS, [name], "--client")


def test_without_the_version_a_label_stands_for_every_interpreter():
    endpoints, _ = usual([BOTH, BARE], None)
    assert labels(select(endpoints, ["protocol/asyncio"], "--server")) == [
        "protocol/asyncio/3.12.1",
        "protocol/asyncio/3.13.0",
    ]


def test_the_reference_is_the_first_server_with_the_first_client():
    assert str(choose(loops=["asyncio"]).reference) == "streams/asyncio -> streams/asyncio"


def test_the_reference_is_the_first_of_those_that_take_part():
    selection = choose(loops=["asyncio"], servers=["protocol"])
    assert str(selection.reference) == "protocol/asyncio -> streams/asyncio"


def test_one_name_of_a_reference_stands_for_both_sides():
    selection = choose(loops=["asyncio"], reference=["protocol"])
    assert str(selection.reference) == "protocol/asyncio -> protocol/asyncio"


def test_two_names_of_a_reference_are_the_server_and_the_client():
    selection = choose(loops=["asyncio"], reference=["protocol", "streams/asyncio"])
    assert str(selection.reference) == "protocol/asyncio -> streams/asyncio"


def test_the_reference_must_take_part():
    message = trouble(loops=["asyncio"], servers=["protocol"], reference=["streams", "protocol"])
    assert message == "--reference 'streams' stands for no endpoint; known here: protocol, protocol/asyncio"


def test_a_reference_is_one_pairing_and_not_three_names():
    message = trouble(loops=["asyncio"], reference=["streams", "nonsense", "protocol"])
    assert "--reference" in message
    assert "SERVER,CLIENT" in message


def test_without_a_choice_the_running_interpreter_is_used():
    (python,) = interpreters([], [])
    assert (python.path, python.version, python.versions) == (sys.executable, RUNNING, {})


def test_an_interpreter_says_which_loops_it_has():
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed: pip install uvloop")
    (python,) = interpreters([sys.executable], ["asyncio", "uvloop:new_event_loop", "asyncio:SelectorEventLoop"])
    assert python.versions == {"uvloop": uvloop.__version__}


def test_a_loop_of_the_standard_library_has_no_version_of_its_own():
    (python,) = interpreters([], ["asyncio:SelectorEventLoop"])
    assert python.versions == {}


def test_several_interpreters_are_asked_in_the_order_of_the_user(tmp_path):
    pypy = a_python(tmp_path, (3, 11, 9), "PyPy", uvloop="0.21")
    first, second = interpreters([pypy, sys.executable], ["uvloop"])
    assert (first.path, first.version, first.versions) == (pypy, "PyPy 3.11.9", {"uvloop": "0.21"})
    assert second.version == RUNNING


def test_an_interpreter_given_twice_counts_once(tmp_path):
    path = a_python(tmp_path, (3, 12, 1))
    selection = choose(pythons=[path, path], loops=["asyncio"])
    assert labels(selection.servers) == ["streams/asyncio", "protocol/asyncio"]


def test_an_interpreter_that_is_too_old_is_refused(tmp_path):
    path = a_python(tmp_path, (3, 10, 14))
    assert trouble(pythons=[path]) == f"--python {path!r} is Python 3.10.14; give one of 3.11 or newer"


def test_an_interpreter_of_the_oldest_version_that_will_do_is_taken(tmp_path):
    (python,) = interpreters([a_python(tmp_path, (3, 11, 0))], [])
    assert python.version == "3.11.0"


def test_an_interpreter_that_is_not_there_is_refused():
    message = trouble(pythons=["/nonexistent/python3"])
    assert message.startswith("--python '/nonexistent/python3' is no Python that can be run (")
    assert "No such file or directory" in message
    assert message.endswith("; give the path of one")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo Lua 5.4", "Expecting value"),
        ("true", "Expecting value"),
        ("exit 3", "exit code 3)"),
        ("kill -KILL $$", "exit code -9)"),
        ("exec sleep 60", "still running after 1 s)"),
        ("echo '[1, 2]'", "not enough values"),
        ("echo 5", "cannot unpack"),
    ],
)
def test_a_program_that_is_no_python_is_refused_with_the_reason(tmp_path, script, why, monkeypatch):
    monkeypatch.setattr(endpoints, "ASK_S", 1.0 if "sleep" in script else endpoints.ASK_S)
    path = program(tmp_path / "lua", script)
    message = trouble(pythons=[path])
    assert message.startswith(f"--python {path!r} is no Python that can be run ({why}")


def test_a_folder_is_no_python(tmp_path):
    assert "is no Python that can be run" in trouble(pythons=[str(tmp_path)])


def test_an_old_python_that_cannot_even_read_what_is_shared_is_told_that_it_is_old(tmp_path):
    old = "import sys; sys.version_info, sys.modules['common'] = (3, 9, 1, 'final', 0), None; exec(sys.argv.pop(1))"
    path = program(tmp_path / "python3.9", f'shift; exec {sys.executable} -c "{old}" "$@"')
    told = f"--python {path!r} is Python 3.9.1; give one of 3.11 or newer"
    assert trouble(pythons=[path], loops=["asyncio"]) == told


def test_an_unknown_loop_lists_the_known_ones():
    message = trouble(loops=["uvlop"])
    assert message.startswith("unknown event loop 'uvlop'")
    assert all(known in message for known in ("asyncio", "uvloop,", "MODULE:FACTORY"))
    assert "pip install" not in message


@pytest.mark.parametrize("name", ["no_such_package:new", "no_such_package.loops:new"])
def test_nobody_knows_what_to_install_for_a_module_that_is_not_there(name):
    message = trouble(loops=["asyncio", name])
    assert f"event loop {name!r} is not installed; there is no module 'no_such_package'; name one" in message
    assert "pip install" not in message


EVERY_LOOP = Interpreter("/opt/python3", "3.13.0", {"uvloop": "0.23.0", "aiofastnet": "1.2.0", "loopmini": "0.2.3"})


def test_all_is_every_loop_that_is_installed_and_what_is_not_is_said():
    found, notes = arms([EVERY_LOOP], ["all"])
    assert {loop for loop, _ in found} == {"asyncio", "uvloop", "aiofastnet", "aiofastnet-uvloop", "loopmini"}
    assert "rloop is not installed for Python 3.13.0, so it is left out; to add it: /opt/python3 -m pip" in notes[0]


def test_all_and_one_besides():
    assert {loop for loop, _ in arms([EVERY_LOOP], ["all", "asyncio:SelectorEventLoop"])[0]} >= {
        "aiofastnet",
        "asyncio:SelectorEventLoop",
    }


def test_a_loop_of_two_packages_needs_both():
    only_one = Interpreter("/opt/python3", "3.13.0", {"aiofastnet": "1.2.0"})
    assert [loop for loop, _ in arms([only_one], ["aiofastnet"])[0]] == ["aiofastnet"]
    with pytest.raises(CannotCompare, match=r"install it with: /opt/python3 -m pip install uvloop aiofastnet"):
        arms([only_one], ["aiofastnet-uvloop"])


def test_the_packages_behind_any_factory_are_part_of_what_is_compared():
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed: pip install uvloop")
    (python,) = interpreters([], ["tests.planted_loops:made_by_uvloop"])
    assert environment([python])["uvloop"] == uvloop.__version__


def test_the_head_of_a_report_says_what_is_compared_with_what():
    versions = environment([BOTH, BARE, Interpreter("/other", "3.12.1", {})])
    assert list(versions) == ["Python", "uvloop", "system"]
    assert (versions["Python"], versions["uvloop"]) == ("3.12.1, 3.13.0", "0.21.0")
    assert len(versions["system"].split()) == 3


def test_the_head_of_a_report_tells_every_version_of_a_loop():
    versions = environment([BOTH, Interpreter("/other", "3.13.0", {"uvloop": "0.22.1"})])
    assert versions["uvloop"] == "0.21.0, 0.22.1"


def test_a_selection_knows_its_pairings():
    selection = choose(loops=["asyncio"], servers=["streams"])
    assert (labels(selection.servers), labels(selection.clients)) == (
        ["streams/asyncio"],
        ["streams/asyncio", "protocol/asyncio"],
    )
    assert list(map(str, selection.pairings(SCENARIOS["tutorial"]))) == [
        "streams/asyncio -> streams/asyncio",
        "streams/asyncio -> protocol/asyncio",
    ]


@pytest.mark.parametrize(
    ("scenario", "pairings", "reference"),
    [
        ("never-reads", ["streams/asyncio -> raw sockets"], "streams/asyncio -> raw sockets"),
        (
            "refuses",
            ["raw sockets -> streams/asyncio", "raw sockets -> protocol/asyncio"],
            "raw sockets -> protocol/asyncio",
        ),
    ],
)
def test_where_the_engine_plays_one_side_only_the_other_is_on_trial(scenario, pairings, reference):
    selection = choose(loops=["asyncio"], servers=["streams"], reference=["streams", "protocol"])
    assert list(map(str, selection.pairings(SCENARIOS[scenario]))) == pairings
    assert str(selection.reference_of(SCENARIOS[scenario])) == reference


def test_an_implementation_in_any_language_is_two_commands_and_one_endpoint(monkeypatch):
    own = Commands(server=("./serve",), client=("./connect", "--fast"))
    monkeypatch.setitem(IMPLEMENTATIONS, "other", own)
    endpoints, _ = usual([BOTH, Interpreter("/opt/python3", "3.13.0", {"uvloop": "0.21.0"})], None)
    others = [endpoint for endpoint in endpoints if endpoint.implementation == "other"]
    assert others == [Endpoint("other", "none", "none", "other", own.server, own.client)]
    assert len(endpoints) == 9


def test_any_program_takes_part_by_its_commands_as_a_shell_would_split_them():
    ncat = third_party("ncat", "ncat -l -k {host} {port} -c 'cat -u'", "nc {host} {port}")
    assert ncat == Endpoint(
        implementation="ncat",
        loop="none",
        python="none",
        label="ncat",
        server_command=("ncat", "-l", "-k", "{host}", "{port}", "-c", "cat -u"),
        client_command=("nc", "{host}", "{port}"),
        takes_options=False,
    )


def test_a_program_with_one_command_takes_part_on_that_side_only():
    only_server = third_party("only-server", "serve {port}", None)
    selection = choose(loops=["asyncio"], others=[only_server])
    assert (labels(selection.servers), labels(selection.clients)) == (
        ["streams/asyncio", "protocol/asyncio", "only-server"],
        ["streams/asyncio", "protocol/asyncio"],
    )


def test_an_endpoint_without_a_command_for_its_side_cannot_be_all_there_is():
    only_server = third_party("only-server", "serve {port}", None)
    with pytest.raises(CannotCompare) as caught:
        choose(loops=["asyncio"], others=[only_server], clients=["only-server"])
    assert str(caught.value) == "--client: none of these has a client command; give one with --client-command"
