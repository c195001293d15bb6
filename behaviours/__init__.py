"""How asyncio, its two APIs, its loops and its versions really behave: one small experiment a file.

`python -m behaviours.data.drain_is_not_flush` runs one by itself, `python compare.py behaviours` all of them.
"""
