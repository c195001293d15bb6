"""The load generator: a program of its own with plain non-blocking sockets and epoll, and no event loop of anybody's.

`python -m comparison.bench.generator LOAD` takes a `plan.Load` as a JSON object, and prints a `plan.Sample` as one. It
uses neither of the APIs that are compared, so it favours none.
"""
