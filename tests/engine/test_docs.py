"""Every command in the README and in docs/ runs as it stands there, or it is said here why not."""

import contextlib
import dataclasses
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from harness import DEADLINE_S, HOST, ROOT, Endpoint, connect

import compare
from common.options import parse_client, parse_server
from comparison.judge.catalogue import CATALOGUE
from comparison.scenarios import SCENARIOS

PAGES = {path.name: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}

NOT_RUN = {
    r"pip install": ".ci/run does it, from a fresh clone",
    r"^(\w+=\w+ )?pytest|^coverage|^bash \.ci": "it runs the tests, of which this is one",
    r"--scenario all|report -o": "it runs the whole catalogue: minutes",
    r"--repeat 20": "it runs the command beside it twenty times",
    r"bench(?! --load)": "it measures for a minute and more",
    r"compare\.py behaviours(?! eof-loop)": ".ci/run runs them all",
    r"why FILE:LINE": "it stands for any statement",
    r" judge ": "it judges what was saved before; test_saved.py does that",
    r"soak|py behaviours$": ".ci/run does it",
    r"\b(NAME|PID)\b": "it stands for any name",
    r"--server-on": "it needs another host; test_two_hosts.py makes one",
    r"^dask|--cluster": "it needs a cluster; test_cluster.py makes one",
    r"--endpoint mine": "nobody here has that program",
    r"--python python3": "it needs two further Pythons",
    r"anyio|fastnet": "it needs a package that the project does not",
    r"^python3 compare\.py$": ".ci/run does it, without any extra",
}
"""What a command is like -> why it is not run."""

NEEDS = ("socat", "ncat")
FAILS = {"yes |": 1}
"""What a command begins with, if it is there to fail -> its exit code."""


def commands(page: str) -> list[str]:
    """The lines of blocks that name no language, without comments, and what stands between backticks in the text."""
    block = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    lines = "".join(text for language, text in block.findall(page) if not language).replace("\\\n", " ").splitlines()
    spans = re.findall(r"`((?:python3?|pytest|coverage|bash) [^`]+)`", block.sub("", page))
    return [re.sub(r"\s+# .*", "", " ".join(line.split())) for line in (*lines, *spans)]


COMMANDS = list(dict.fromkeys(command for page in PAGES.values() for command in commands(page)))


def why_not(command: str) -> str | None:
    reasons = [reason for pattern, reason in NOT_RUN.items() if re.search(pattern, command)]
    reasons += [f"{name} is not installed" for name in NEEDS if f"'{name} " in command and not shutil.which(name)]
    return reasons[0] if reasons else None


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder in which all of the project is, and to which a command may write. However busy the machine is, nothing
    is late."""
    for name, scenario in SCENARIOS.items():
        monkeypatch.setitem(SCENARIOS, name, dataclasses.replace(scenario, deadline_s=120.0))
    for path in ROOT.iterdir():
        if not path.name.startswith("."):
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "big.iso").write_bytes(b"big" * 100_000)
    for name, recorded in {"results": "report", "bench": "bench-1", "cost": "bench-1"}.items():
        shutil.copy(ROOT / "tests" / "golden" / f"{recorded}.json", tmp_path / f"{name}.json")
    own_python = tmp_path / ".bin" / "python"
    own_python.parent.mkdir()
    own_python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    own_python.chmod(0o755)
    monkeypatch.setenv("PATH", str(own_python.parent), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)


def serve_until_interrupted(command: str) -> int:
    """Run a server, on a port that is free, until it has accepted a connection; its exit code after Ctrl-C."""
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    own = {"localhost": HOST, "8888": str(port), "/tmp/echo.sock": "echo.sock"}
    words = [own.get(word, word) for word in shlex.split(command)]
    words += ["--port", str(port)] if "-m" in words and "--unix" not in words else []
    with subprocess.Popen(words) as server:
        try:
            while server.poll() is None:
                with contextlib.suppress(OSError), peer_of(words, port):
                    break
            server.send_signal(signal.SIGINT)
            return server.wait(DEADLINE_S)
        finally:
            server.kill()


def peer_of(words: list[str], port: int) -> socket.socket:
    """A connection to a server; a server that is not there yet raises OSError."""
    if "--unix" not in words:
        return connect(port)
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.connect(words[words.index("--unix") + 1])
    except OSError:
        peer.close()
        raise
    return peer


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_in_the_documents_runs(command, project, capfd):
    if (reason := why_not(command)) is not None:
        pytest.skip(reason)
    if command.startswith("python compare.py"):
        with contextlib.suppress(SystemExit):  # of --help
            assert compare.main(shlex.split(command)[2:]) == 0, capfd.readouterr().out
    elif re.search(r"_server\.py|\.server\b", command):
        assert serve_until_interrupted(command) in (0, -signal.SIGINT)
    else:
        with Endpoint("streams", "server", "--port", "0", "--log-level", "info") as server:
            where = f" --port {server.port()}" if ".client" in command else ""
            process = subprocess.run(
                ["bash", "-c", command + where], capture_output=True, text=True, timeout=DEADLINE_S
            )
        code = next((code for start, code in FAILS.items() if command.startswith(start)), 0)
        assert process.returncode == code, process.stderr


def test_every_reason_not_to_run_a_command_is_that_of_one():
    idle = [pattern for pattern in NOT_RUN if not any(re.search(pattern, command) for command in COMMANDS)]
    assert idle == []


def test_every_command_is_understood_also_one_that_is_not_run(project):
    seen = set()
    for command in COMMANDS:
        program, *words = re.sub(r"^(yes \| )?python (-m )?", "", command).split(" ", 1)
        words = shlex.split(" ".join(words))
        if program == "compare.py" and words[:1] != ["--help"]:
            name = words.pop(0) if words and words[0] in compare.COMMANDS else compare.USUAL
            compare.parser(name).parse_args(words)
            seen.add(name)
        elif program.endswith("_impl.server"):
            parse_server(words)
        elif program.endswith("_impl.client"):
            parse_client(words)
    assert seen == compare.COMMANDS.keys()


def test_the_readme_is_short():
    assert len(PAGES["README.md"].splitlines()) <= 200


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name):
    page = PAGES[name]
    folder = ROOT if name == "README.md" else ROOT / "docs"
    links = re.findall(r"\]\(([^)\s]+)\)", page) + re.findall(r"^\[.+\]: (\S+)", page, re.MULTILINE)
    for link in links:
        path, _, heading = link.partition("#")
        target = folder / path if path else folder / name
        assert target.exists(), link
        if heading:
            assert heading in map(anchor, re.findall(r"^#+ (.*)", target.read_text(), re.MULTILINE)), link


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_every_page_of_docs_is_in_the_table_of_the_readme():
    table = PAGES["README.md"].split("## Read on")[1]
    assert [name for name in PAGES if name != "README.md" and f"docs/{name}" not in table] == []


def test_the_causes_in_the_documents_are_those_of_the_catalogue():
    rows = re.findall(r"^\| `([\w-]+)`: .* \| (\w+) \| ([\w ]+) \| `([\w-]+)` \|$", PAGES["scenarios.md"], re.MULTILINE)
    assert set(rows) == {(entry.name, entry.kind, entry.axis, entry.scenario) for entry in CATALOGUE.values()}
