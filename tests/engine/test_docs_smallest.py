"""What docs/smallest.md says of the smallest servers is what the catalogue finds."""

import ast
import dataclasses
import json
import re
import shlex
import sys

import pytest
from harness import ROOT

import compare
from comparison.model import CannotCompare
from comparison.play.transports import TRANSPORTS, why_not
from comparison.scenarios import SCENARIOS
from comparison.selection import choose

PAGE = (ROOT / "docs" / "smallest.md").read_text()
FILES = {api: ROOT / "docs" / "smallest" / f"{api}_server.py" for api in ("streams", "protocol")}


def table(heading: str) -> dict[str, list[str]]:
    """The first cell of each row -> the others."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in re.findall(r"^\|.*\|$", section, re.M)]
    return {first: others for first, *others in rows[2:]}


LACKING = {
    scenario: what.strip("`")
    for what, (scenarios, _) in table("What they do not survive").items()
    for scenario in re.findall(r"`(.*?)`", scenarios)
}
"""Scenario -> what the smallest servers lack in it."""

REASONS = {"file descriptors": "Too many open files", "how a server stops": "how a server stops"}


@pytest.fixture
def play(monkeypatch, capsys):
    """The cells of scenarios, by scenario and server. Those that must come to grief can have few seconds for it."""

    def run(scenarios, *options, deadlines_s=None):
        for name, seconds in (deadlines_s or {}).items():
            monkeypatch.setitem(SCENARIOS, name, dataclasses.replace(SCENARIOS[name], deadline_s=seconds))
        words = ["run", "--scenario", ",".join(scenarios), "--loop", "asyncio", "--client", "streams"]
        compare.main([*words, *options, "--format", "json"])
        found = json.loads(capsys.readouterr().out)["comparisons"]
        return {(one["scenario"]["name"], cell["server"]): cell for one in found for cell in one["cells"]}

    return run


@pytest.mark.parametrize("api", FILES)
def test_the_page_shows_each_server_as_it_is_in_fifteen_lines_without_anything_else(api):
    source = FILES[api].read_text()
    tree = ast.parse(source)
    code = source.split('"""\n\n', 1)[1]
    assert f"```python\n{code}```" in PAGE
    assert len([line for line in code.splitlines() if line]) <= 15
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported <= sys.stdlib_module_names


def test_they_take_part_where_they_are_named_and_only_there():
    assert not [one.label for one in choose(loops=["asyncio"]).servers if "smallest" in one.label]
    named = choose(loops=["asyncio"], servers=["smallest-protocol", "streams"])
    assert [one.label for one in named.servers] == ["streams/asyncio", "smallest-protocol"]
    with pytest.raises(CannotCompare, match="none of these has a client command"):
        choose(loops=["asyncio"], clients=["smallest-streams"])


def test_what_they_do_not_survive_is_on_the_page(play):
    cells = play(LACKING, "--server", "smallest-streams,smallest-protocol", deadlines_s={"no-more-files": 8.0})
    others = []
    for (scenario, _), cell in cells.items():
        lack = LACKING[scenario]
        as_told = cell["verdict"] == ("failed" if lack == "file descriptors" else "skipped")
        if not as_told or REASONS.get(lack, f"cannot be told of {lack}") not in cell["reason"]:
            others.append((scenario, cell["verdict"], cell["reason"]))
    assert len(cells) == 2 * len(LACKING)
    assert others == []


def test_they_survive_the_rest(play):
    [server] = choose(loops=["asyncio"], servers=["smallest-streams"]).servers
    rest = [one for name, one in SCENARIOS.items() if "server" in one.on_trial and name not in LACKING]
    assert [one.name for one in rest if why_not(one, TRANSPORTS[one.transports[0]], server, "server")] == []
    patient = dict.fromkeys(("tutorial", "reset-mid-stream", "never-reads"), 60.0)
    cells = play(patient, "--server", "streams,smallest-streams,smallest-protocol", deadlines_s=patient)
    found = {(name, cell["reason"]): cell["verdict"] for (_, name), cell in cells.items() if "smallest" in name}
    assert set(found.values()) == {"identical"}, found


@pytest.mark.parametrize("left_out", table("No line is idle"))
def test_no_line_of_them_is_idle(left_out, play, tmp_path):
    scenario, code = table("No line is idle")[left_out][0].strip("`"), left_out.strip("`")
    passes = "closing" in code and sys.version_info >= (3, 13)
    [source] = [text for path in FILES.values() if code in (text := path.read_text())]
    ends = {f"{code}, ": "", f", {code}": "", f"{code}\n": "pass\n"}
    place = next(end for end in ends if end in source)
    program = tmp_path / "server.py"
    program.write_text(source.replace(place, ends[place]))
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(program))} {{host}} {{port}}"
    cells = play(
        [scenario],
        *("--server", "cut", "--endpoint", "cut", "--server-command", command),
        deadlines_s={} if passes else {scenario: 3.0},
    )
    assert cells[scenario, "cut"]["verdict"] == ("reference" if passes else "failed")
