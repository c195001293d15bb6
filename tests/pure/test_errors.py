"""The error of a program in plain words: the first of a chain, the innermost of a group, never decoration."""

import json
import subprocess
import sys

import pytest

from comparison.errors import first_error, last_words

SHOWN = {
    # What a program does: the error that is told.
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "raises without a word": ("assert False", "AssertionError"),
    "raises a long story": ("e = ValueError('first\\nsecond'); e.add_note('a note'); raise e", "ValueError: first"),
    "calls itself": ("f = lambda: f()\nf()", "RecursionError: maximum recursion depth exceeded"),
    "fails to clean up": (
        "try:\n    raise OSError(9, 'Bad file descriptor')\nfinally:\n    None.close()",
        "OSError: [Errno 9] Bad file descriptor",
    ),
    "raises from a cause": (
        "try:\n    {}['key']\nexcept KeyError as error:\n    raise RuntimeError('broken') from error",
        "KeyError: 'key'",
    ),
    "raises and hides the cause": (
        "try:\n    {}['key']\nexcept KeyError as error:\n    raise RuntimeError('broken') from None",
        "RuntimeError: broken",
    ),
    "raises a group": ("raise ExceptionGroup('several', [ValueError(1), TypeError(2)])", "ValueError: 1"),
    "raises a group of groups": (
        "raise ExceptionGroup('a', [ExceptionGroup('b', [ExceptionGroup('c', [KeyError(1)])]), OSError(2)])",
        "KeyError: 1",
    ),
    "raises a large group": ("raise ExceptionGroup('many', [ValueError(n) for n in range(30)])", "ValueError: 0"),
    "raises groups too deep to be shown": (
        "error = ValueError(1)\nfor n in range(12):\n    error = ExceptionGroup(f'at {n}', [error])\nraise error",
        "ExceptionGroup: at 2 (1 sub-exception)",
    ),
    "raises a group of an error with a cause": (
        "try:\n    try:\n        {}[7]\n    except KeyError as error:\n        raise OSError(9) from error\n"
        "except OSError as error:\n    found = error\nraise ExceptionGroup('a', [found, ValueError(2)])",
        "KeyError: 7",
    ),
    "raises a group after an error": (
        "try:\n    1 / 0\nexcept ArithmeticError:\n    raise ExceptionGroup('a', [ValueError(1)])",
        "ZeroDivisionError: division by zero",
    ),
    "raises an error after a group": (
        "try:\n    raise ExceptionGroup('a', [ValueError(1)])\nexcept ExceptionGroup:\n    None.close()",
        "ValueError: 1",
    ),
    "has a task group with a chain": (
        """
import asyncio

async def bad():
    try:
        raise OSError(9, 'Bad file descriptor')
    finally:
        None.close()

async def main():
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bad())
        tasks.create_task(asyncio.sleep(60))

asyncio.run(main())
""",
        "OSError: [Errno 9] Bad file descriptor",
    ),
    "is too late": (
        "import asyncio\nasyncio.run(asyncio.wait_for(asyncio.sleep(60), 0.01))",
        "TimeoutError",
    ),
    "is cancelled": (
        "import asyncio\nasync def main():\n    raise asyncio.CancelledError\nasyncio.run(main())",
        "asyncio.exceptions.CancelledError",
    ),
    "fails in a finalizer": (
        "class A:\n    def __del__(self):\n        1 / 0\nA()",
        "ZeroDivisionError: division by zero",
    ),
    "fails in a thread": (
        "import threading\nthreading.Thread(target=lambda: 1 / 0).start()",
        "ZeroDivisionError: division by zero",
    ),
    "never looks at a task": (
        "import asyncio, gc\n"
        "async def bad():\n    raise KeyError(7)\n"
        "async def main():\n    asyncio.create_task(bad())\n    await asyncio.sleep(0)\n    gc.collect()\n"
        "asyncio.run(main())",
        "KeyError: 7",
    ),
    "never looks at a future": (
        "import asyncio\n"
        "async def main():\n    asyncio.get_running_loop().create_future().set_exception(KeyError(7))\n"
        "asyncio.run(main())",
        "KeyError: 7",
    ),
    "crashes": ("import faulthandler\nfaulthandler.enable()\nfaulthandler._sigabrt()", "Fatal Python error: Aborted"),
    "shows bytes that look like one": (r"print('  | ValueError: 1\n+-+----- 1 -----\nb\'Segmentation fault\'')", None),
    "says nothing wrong": ("print('main: starting up on localhost port 10000')", None),
}


@pytest.mark.parametrize("what", SHOWN)
def test_the_error_is_the_first_and_the_innermost(what):
    script, error = SHOWN[what]
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = first_error(done.stdout.splitlines())
    assert (found or "").startswith(error) if error else found is None, done.stdout


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (["Segmentation fault"], "Segmentation fault"),
        (["bash: line 1:  4711 Segmentation fault      (core dumped) echo"], None),
        (
            ["Exception ignored in: <_io.TextIOWrapper name='<stdout>'>", "BrokenPipeError: [Errno 32] Broken pipe"],
            None,
        ),
        (
            [
                "\x1b[1mTraceback\x1b[0m (most recent call last):",
                r"  \x1b[35mFile\x1b[0m",
                r"\x1b[1;35mKeyError\x1b[0m: 7",
            ],
            "KeyError: 7",
        ),
        (["main: Traceback (most recent call last):", '  File "a.py", line 1', "KeyError: 7"], "KeyError: 7"),
        (["Traceback (most recent call last):", '  File "a.py", line 1'], ""),
    ],
)
def test_errors_in_other_forms(lines, error):
    found = first_error(lines)
    assert found == (lines[-1] if error is None else error or None)


RECORD = {"t_ns": 1, "logger": "main", "level": "info", "event": "closing_loop", "message": "closing event loop"}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], ""),
        (["out of luck"], "out of luck"),
        (["out of luck", "", "  "], "out of luck"),
        (["out of luck", "  +------------------------------------"], "out of luck"),
        (["out of luck", "=====", "\u2570\u2500\u2500\u256f", "}", "...", "[]"], "out of luck"),
        (["out of luck", "`"], "`"),
        (["\x1b[31mout of luck\x1b[0m"], "out of luck"),
        ([json.dumps(RECORD)], "main: closing event loop"),
        (['{"level": "error", "msg": "out of luck"}'], "out of luck"),
        (["out of luck", '{"level": 3, "code": 7}'], "out of luck"),
        (["out of luck", '{"level": 3, "co'], "out of luck"),
        (["out of luck", '["a", "list"]'], "out of luck"),
        (["out of luck", "{", '  "level": "error",', '  "code": 7', "}"], "out of luck"),
        (["[error] out of luck"], "[error] out of luck"),
        ([json.dumps(RECORD | {"logger": None})], "closing event loop"),
    ],
)
def test_the_last_words_of_a_program_are_words(lines, words):
    assert last_words(lines) == words
