"""The catalogue of what is tried: a scenario is data, what must hold for everybody, and, where the engine plays one
side itself, a short script."""

from comparison.scenarios import clients, pairings, servers, starts

SCENARIOS = {one.name: one for module in (pairings, clients, starts, servers) for one in module.SCENARIOS}
"""What can be tried, by name. The first is the default."""

TUTORIAL = SCENARIOS["tutorial"]
