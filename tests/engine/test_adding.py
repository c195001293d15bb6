"""A scenario, an explanation, a loop, a kind of log line and an implementation are added in one place each: as
CONTRIBUTING says, to a copy of the project, in which all five then take part."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SCENARIO = '''

@scenario(connected)
def comes_and_goes(stage: Stage, peer: Peer) -> None:
    """A client that connects and says that this was all."""
    finish(peer)
'''

EXPLANATION = """    Explanation(
        name="greeting",
        title="the third greets",
        kind="told",
        axis="own implementation",
        places={"greeted": {("third",): "there", ("*",): "missing"}},
        text="It says hello to whoever comes.",
        advice="Say hello back.",
        source="its manual",
        scenario="comes-and-goes",
    ),
"""

ADDED = {
    "comparison/scenarios/clients.py": ("", SCENARIO),
    "comparison/judge/catalogue.py": (")\nCATALOGUE = {", EXPLANATION),
    "common/loops.py": ('    "aiofastnet": (', '    "planted": ("planted:LikeAsyncio",),\n'),
    "common/logs.py": ('    "closing_server": Line(', '    "greeted": Line(logging.INFO, "hello {name}"),\n'),
    "comparison/endpoints.py": ('"protocol": _package(', '"third": _package("third_impl"), '),
}
"""File -> the text before which something stands that is added, and that."""


def test_a_scenario_an_explanation_a_loop_a_kind_of_line_and_an_implementation_are_one_place_each(tmp_path):
    for folder in ("common", "comparison", "streams_impl", "protocol_impl"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "compare.py", tmp_path)
    for name, (before, added) in ADDED.items():
        path = tmp_path / name
        text = path.read_text()
        assert text.count(before) == 1 or not before
        place = text.index(before) if before else len(text)
        path.write_text(text[:place] + added + text[place:])
    # The implementation itself and the loop itself.
    shutil.copytree(tmp_path / "streams_impl", tmp_path / "third_impl")
    server = tmp_path / "third_impl/server.py"
    opened = "    log = live.add(writer.transport)\n"
    assert opened in server.read_text()
    server.write_text(server.read_text().replace(opened, f'{opened}    log.tell("greeted", name="you")\n'))
    shutil.copy(ROOT / "tests/planted_loops.py", tmp_path / "planted.py")

    command = "compare.py run --scenario comes-and-goes --server streams,third --loop asyncio,planted --format json"
    done = subprocess.run([sys.executable, *command.split()], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    [comparison] = json.loads(done.stdout)["comparisons"]
    assert comparison["scenario"]["description"] == "a client that connects and says that this was all"
    assert comparison["scenario"]["shows"] == ["greeting"]
    assert {cell["server"]: cell["verdict"] for cell in comparison["cells"]} == {
        "streams/asyncio": "reference",
        "streams/planted": "identical",
        "third/asyncio": "alike",
        "third/planted": "alike",
    }
    [cause] = comparison["causes"]
    assert (cause["event"], cause["explanation"]["name"]) == ("greeted", "greeting")
    assert [difference["text"] for difference in cause["differences"]] == ["echo_127.0.0.1_<port>: hello you"]
