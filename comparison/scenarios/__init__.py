"""The catalogue of what is tried: a scenario is data, what must hold for everybody, and, where the engine plays one
side itself, a short script."""

import dataclasses

from comparison.judge.catalogue import shown_in
from comparison.scenarios import clients, pairings, servers, starts

SCENARIOS = {
    scenario.name: dataclasses.replace(scenario, shows=shown_in(scenario.name))
    for scenario in (*pairings.SCENARIOS, *clients.SCENARIOS, *starts.SCENARIOS, *servers.SCENARIOS)
}
"""What can be tried, by name. The first is the default."""

TUTORIAL = SCENARIOS["tutorial"]
