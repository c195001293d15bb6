"""The catalogue of what is tried: a scenario is data, what must hold for everybody, and, where the engine plays one
side itself, a short script."""

from comparison.scenarios import clients, pairings, servers, starts

EVERY = (*pairings.SCENARIOS, *clients.SCENARIOS, *starts.SCENARIOS, *servers.SCENARIOS)
SCENARIOS = {scenario.name: scenario for scenario in EVERY}
"""What can be tried, by name. The first is the default."""

TUTORIAL = SCENARIOS["tutorial"]
