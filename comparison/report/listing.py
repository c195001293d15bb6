"""`compare.py --list`: who could take part in what, and what is missing."""

from comparison.play.transports import TRANSPORTS
from comparison.report import words
from comparison.scenarios import SCENARIOS
from comparison.selection import Selection


def listing(selection: Selection) -> list[str]:
    """The endpoints, the scenarios with what must hold and what they show, the transports, and the notes."""
    endpoints = dict.fromkeys((*selection.servers, *selection.clients))
    lines = [f"{endpoint.label}: Python {endpoint.python}" for endpoint in endpoints]
    for scenario in SCENARIOS.values():
        lines.append(f"--scenario {scenario.name}: {scenario.description}")
        lines.append(f"    over {', '.join(scenario.transports)}; must hold: {'; '.join(words.expectation(scenario))}")
        lines += [f"    shows: {', '.join(scenario.shows)}"] if scenario.shows else []
    lines += [f"--transport {transport.name}: {transport.description}" for transport in TRANSPORTS.values()]
    lines.append(f"reference: {selection.reference}")
    return lines + [f"Note: {note}" for note in selection.notes]
