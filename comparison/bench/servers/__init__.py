"""Servers that put the endpoints in proportion. Each is a program of its own, and knows nothing of the benchmark."""
