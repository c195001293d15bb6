"""What the README shows is what happens."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys

import pytest
from harness import ROOT

import compare
from common.options import parse_client, parse_server

README = (ROOT / "README.md").read_text()
TEXT = "\n".join((README, *(path.read_text() for path in (ROOT / "docs").glob("*.md")))).replace("\\\n", " ")


def same_machine(text: str) -> str:
    """Without what depends on the machine: versions, the time that it took, where its Python is."""
    text = text.replace(f"{sys.executable} compare.py", "python compare.py")
    text = re.sub(r"^Python \d.*$", "<environment>", text, flags=re.MULTILINE)
    return re.sub(r"in \d+\.\d s", "in <time>", text)


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("uvloop", "rich"))), reason="the transcript needs uvloop and rich: [all]"
)
def test_the_transcript_is_what_comes_out():
    shown = re.search(r"<!-- transcript: (.*?) -->\n```text\n(.*?)```", README, re.DOTALL)
    assert shown[1] == "COLUMNS=100 python compare.py"
    process = subprocess.run(
        [sys.executable, "compare.py"], cwd=ROOT, env=os.environ | {"COLUMNS": "100"}, capture_output=True, text=True
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert same_machine(shown[2]) == same_machine(process.stdout)


def commands(program: str) -> list[list[str]]:
    """The arguments of each command of the README and of docs/ that runs `program`."""
    lines = re.findall(rf"^(?:\w+ \| )?python (?:-m )?{re.escape(program)}\b([^#\n]*)", TEXT, re.MULTILINE)
    return [shlex.split(line) for line in lines]


def test_every_command_of_the_documents_is_understood(tmp_path):
    lines = [line for line in commands("compare.py") if line]
    assert {line[0] for line in lines} >= compare.COMMANDS.keys()
    for words in lines:
        command, options = (words[0], words[1:]) if words[0] in compare.COMMANDS else (compare.USUAL, words)
        compare.parser(command).parse_args(options)
    for api in ("streams", "protocol"):
        servers, clients = commands(f"{api}_impl.server"), commands(f"{api}_impl.client")
        assert servers
        assert clients
        for line in servers:
            parse_server(line)
        for line in clients:
            file = tmp_path / "file"
            file.touch()
            parse_client([str(file) if word == "big.iso" else word for word in line])
