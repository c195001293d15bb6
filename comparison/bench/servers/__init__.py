"""Servers that put the endpoints in proportion. They know nothing of the benchmark, which starts them as programs."""
