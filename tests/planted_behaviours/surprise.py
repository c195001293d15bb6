"""A table that is wrong, and three cases that nobody can hold against it

It is for the tests of the engine alone.

Sources: none.
"""

import asyncio
import os

from behaviours import kit
from behaviours.kit import waiting
from behaviours.known import known, outcome, seen

FINE, HURT = outcome("fine"), outcome("hurt", bites="it is lost")
KNOWN = known(trap=[seen(FINE)], hasty=[seen(HURT)], hanging=[seen(FINE)], crashing=[seen(FINE)], lacking=[seen(FINE)])


# --- Either API ---
async def either_trap():
    pass


async def either_hasty():
    pass


async def either_hanging():
    await asyncio.Event().wait()


async def either_crashing():
    os.abort()


async def either_lacking():
    pass


# --- How it is observed ---
def experiment(subject):
    if subject.case == "lacking":
        kit.skip("a moon")
    subject.call()
    kit.tell(f"patience {waiting.patience_s}")
    return FINE if subject.case == "hasty" and waiting.patience_s > 1 else HURT


if __name__ == "__main__":
    kit.main()
