"""The load generator: a program of its own with plain non-blocking sockets and epoll, and no event loop of anybody's.

`python -m comparison.bench.generator SPEC` takes one JSON object as its argument and prints one as its last line; their
fields stand in `spec`. It uses neither of the APIs that are compared, so it favours none.
"""
