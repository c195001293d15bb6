"""What the README shows is what happens."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest
from harness import ROOT

README = (ROOT / "README.md").read_text()


def same_machine(text: str) -> str:
    """Without what depends on the machine: versions, the time that it took, where its Python is."""
    text = text.replace(f"{sys.executable} compare.py", "python compare.py")
    text = re.sub(r"^Python \d.*$", "<environment>", text, flags=re.MULTILINE)
    return re.sub(r"in (\d+ min )?\d+(\.\d)? s\b", "in <time>", text)


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
