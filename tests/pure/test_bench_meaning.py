"""What is said of results whose truth is known: the sentences are true, and what is doubtful is said to be."""

import dataclasses
import math
import random
import re

import pytest
import recorded_bench
from recorded_bench import CELLS, COSTS, ENVIRONMENT, MIDDLE, OWN, known, results

from comparison.bench import estimates, meaning, view
from comparison.bench.estimates import Estimate, estimate
from comparison.bench.plan import Arm, Cell, Results, Sample

SEEDS = range(60)
ONE = Cell("echo", 1024, 10, OWN)


def equal(cell: Cell, label: str, number: int) -> float:
    """All arms cost the same."""
    return 1.0


def said(**changes: object) -> str:
    return "\n".join(meaning.sentences(results(**changes)))


# --- Sentences ---
def test_a_choice_is_put_in_words_with_its_interval():
    first = meaning.sentences(results())[0]
    assert first.startswith("Server CPU per message (echo, 1 KiB, 10 connections): protocol against streams ")
    found = re.search(r"protocol against streams (0\.\d\d) x \((0\.\d\d) to (0\.\d\d)\) with asyncio and ", first)
    middle, low, high = map(float, found.groups())
    assert low <= 1 / 1.6 <= high
    assert middle == pytest.approx(1 / 1.6, rel=0.02)
    assert "uvloop against asyncio 0.6" in first


def test_there_are_five_sentences_at_most_and_what_matters_most_comes_first():
    found = meaning.sentences(results())
    assert [re.search(r"\((\w+),|(handler)", text)[0] for text in found] == [
        "(echo,",
        "handler",
        "(lines,",
        "(echo,",
        "(fresh,",
    ]
    assert "TLS" in found[3]


def test_over_tls_the_state_that_can_turn_the_answer_round_stands_beside_it():
    fresh = Cell("fresh", 1024, 10, OWN, transport="tls")
    *_, settled, nobody_has_left = meaning.sentences(results(cells=(*CELLS, fresh)))
    assert "(echo, 1 KiB, 10 connections, TLS)" in settled
    assert "(fresh, 1 KiB, 10 connections, TLS)" in nobody_has_left


def test_of_more_places_than_one_can_read_a_sentence_says_from_where_to_where_they_go():
    pythons = {f"{label}/{python}": (label, python) for python in ("3.11.7", "3.12.1", "3.13.0") for label in OWN}
    arms = tuple(
        Arm(name, ("serve",), {**recorded_bench.arm(label).factors, "python": python})
        for name, (label, python) in pythons.items()
    )
    cells = (Cell("echo", 1024, 10, tuple(pythons)),)
    first = meaning.sentences(results(cells=cells, arms=arms, cost=lambda _, name, __: COSTS[pythons[name][0]]))[0]
    found = re.search(r"protocol against streams (.*) to (.*) x in 6 places \(all intervals: (.*) to (.*)\); uv", first)
    low, high, least, most = map(float, found.groups())
    assert least <= low <= 1 / 1.6 < 0.7 / 1.02 <= high <= most
    assert "3.12.1 against 3.11.7 about as much (" in first
    assert "with streams asyncio and " in first


def test_with_several_requests_in_flight_the_idiom_is_what_is_said():
    found = next(text for text in meaning.sentences(results()) if "lines" in text)
    assert re.search(r"split against readline 0\.1\d x \(.*\) with asyncio and 0\.1\d x \(.*\) with uvloop", found)
    assert "uvloop against" not in found


def test_one_round_makes_no_sentence():
    for rounds in range(1, estimates.FEWEST_ROUNDS):
        assert meaning.sentences(results(rounds=rounds)) == []


def test_what_could_differ_by_much_is_never_about_as_much():
    for seed in SEEDS:
        text = said(cells=(ONE,), noise=0.3, cost=equal, seed=seed)
        for low, high in re.findall(r"about as much \((\d\.\d\d) to (\d\.\d\d)\)", text):
            assert 0.9 <= float(low) <= float(high) <= 1.11
    assert "undecided (" in text


def test_what_is_alike_is_said_to_be_alike():
    assert "about as much (" in said(cells=(ONE,), noise=0.005, cost=equal)


def test_a_difference_that_is_too_small_to_be_shown_is_none():
    found = estimate([1.002, 1.003, 1.001, 1.002, 1.0015, 1.003, 1.002, 1.0022])
    assert (str(found), found.is_sure) == ("1.00 x", False)
    assert view.seen(found).startswith("no")
    assert estimate([1.02] * 8).is_sure


def test_pairs_are_not_chosen_for_their_figures():
    """Ten ways of handling lines that are all alike: the best against the worst would differ in many runs. Those that
    are named are held against the first level, whoever was the fastest."""
    lines = next(cell for cell in CELLS if cell.workload == "lines")
    for seed in SEEDS:
        text = said(cells=(lines,), cost=equal, noise=0.05, seed=seed)
        named = re.findall(r"([\w-]+) against ([\w-]+) ", text)
        assert named == [("split", "readline"), ("protocol-each", "readline")]


def test_where_nothing_differs_few_runs_say_that_something_does():
    alarms = sum(" x (" in said(cells=(ONE,), cost=equal, noise=0.03, seed=seed) for seed in SEEDS)
    assert alarms <= 0.35 * len(SEEDS)  # four intervals in each, of which one in twenty may miss


@pytest.mark.parametrize("rounds", [8, 12])
def test_how_far_two_can_lie_apart_is_right_as_often_as_it_claims(rounds):
    chance = random.Random(11)
    held = trials = 0
    for _ in range(400):
        truth = 1.03
        found = estimate([truth * (1 + chance.gauss(0, 0.05)) for _ in range(rounds)])
        if not found.is_sure:
            trials += 1
            held += found.at_most >= truth - 1
    assert held / trials >= 0.93


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Estimate(1.62, 1.58, 1.66, 8), "yes"),
        (Estimate(1.01, 0.98, 1.03, 8), "no (at most 3 %)"),
        (Estimate(0.9, 0.62, 1.74, 8), "no (at most 74 %)"),
        (Estimate(1.3, 0.0, math.inf, 3), "?"),
    ],
)
def test_whether_a_difference_is_seen(found, expected):
    assert view.seen(found) == expected


def test_every_sentence_names_the_cell_that_it_is_of():
    """The points between two may bend: nothing is said of a line from one to the other."""

    def bent(cell: Cell, label: str, number: int) -> float:
        return known(cell, label, number) * (3.0 if cell.connections == 10 else 1.0)

    for text in meaning.sentences(results(cost=bent)):
        assert re.search(r"\d+ connections", text)
        assert not re.search(r"From \d+ to \d+", text)


def test_memory_is_said_to_be_of_idle_connections():
    memory = next(cell for cell in CELLS if cell.workload == "memory")
    assert said(cells=(memory,)).startswith("Memory per idle connection (memory, 1,000 connections)")


def test_a_percentile_is_of_all_requests_and_not_of_the_median_round():
    """In one round of eight a fifth of the requests took 20 ms: of all that is 2.5 %, and so is the 99th percentile."""
    half = next(cell for cell in CELLS if cell.workload == "half")
    fast, slow = 100_000, 20_000_000
    samples = [Sample(half.key, OWN[0], number, {}, {fast: 1000}) for number in range(1, 8)]
    samples.append(Sample(half.key, OWN[0], 8, {}, {fast: 800, slow: 200}))
    assert estimates.median(samples, "p99_us") == pytest.approx(20_000, rel=0.01)
    assert estimates.median(samples, "p50_us") == pytest.approx(100, rel=0.01)


def test_a_closed_loop_has_no_percentiles():
    heads = {cell: table.head for tables in view.sections(results()).values() for cell, table in tables.items()}
    assert [title for title, found in heads.items() if "p99 us" in found] == [
        "half, 1 KiB, 10 connections",
    ]


@pytest.mark.parametrize(("sample_s", "shown"), [(0.05, False), (0.3, True)])
def test_user_and_system_time_are_told_apart_from_a_hundred_ticks_on(sample_s, shown):
    found = results(settings={"sample_s": sample_s})
    (tables, *_) = view.sections(found).values()
    (first, *_) = tables[str(CELLS[0])].rows
    assert ("+" in first[2][0]) == shown


# --- What a handler does ---
def test_from_how_much_work_on_a_choice_is_one_of_taste():
    """16 us against 10: with w us of work each message costs (16 + w) / (10 + w), which is 1.1 at w = 50."""
    cell = dataclasses.replace(ONE, size_bytes=64, arms=("streams/asyncio", "protocol/asyncio"))
    (choice,) = meaning.choices(results(cells=(cell,), rounds=12), cell)
    each_us = 10 * (1 + 64 / 65536)
    for part in meaning.PARTS:
        _, low, high = choice.work_us(part)
        truth = 0.6 * each_us / part - each_us
        assert low <= truth <= high
        assert choice.part(truth) == pytest.approx(part, rel=0.1)
    assert "streams instead of protocol" in str(choice)


def test_what_does_not_differ_has_no_such_limit():
    assert list(meaning.choices(results(cells=(ONE,), cost=equal), ONE)) == []


def test_the_sentence_of_the_handler_has_its_intervals():
    found = meaning.sentences(results())[1]
    assert re.search(
        r"streams instead of protocol with asyncio: less than 10 % from \d\d us on \(\d\d to \d\d\), 5 % from", found
    )


# --- Doubts ---
def advice(**changes: object) -> list[str]:
    return [text for text in meaning.doubts(results(**changes)) if "miss the truth by chance" not in text]


def machine(**changes: object) -> dict[str, object]:
    return {**ENVIRONMENT, **changes}


def test_a_quiet_run_has_no_doubts():
    assert advice() == []


def test_a_machine_that_was_busy_is_told_first():
    found = view.told(results(noise=0.3, environment=machine(**{"cores busy before": 1.9})))["sentences"]
    assert found[0].startswith("the machine was not idle at the start (1.9 of 2 cores busy)")
    assert found[1].startswith("Server CPU per message")


def test_too_few_rounds_are_named():
    assert advice(rounds=2)[0].startswith("2 rounds: too few for an interval")


def with_samples(change, **more: object) -> Results:
    """The middle cell alone, each of whose samples is changed."""
    found = results(cells=(MIDDLE,), **more)
    return dataclasses.replace(found, samples=tuple(map(change, found.samples)))


def values(**changed: float):
    return lambda sample: dataclasses.replace(sample, values={**sample.values, **changed})


def test_what_went_wrong_is_named_with_its_place():
    found = meaning.doubts(with_samples(lambda s: dataclasses.replace(s, troubles=("1 connection: reset",))))
    assert found[0].startswith("echo, 1 KiB, 10 connections: streams/asyncio: 1 connection: reset (8 rounds)")


def test_somebody_else_on_the_cores_is_found():
    found = view.told(with_samples(values(generator_busy=0.2, server_busy=0.3)))["sentences"]
    assert found[0].startswith("in 48 of 48 samples server and load together were busy for less than 60 %")


def test_memory_that_is_mapped_for_each_message_is_found():
    found = meaning.doubts(with_samples(values(faults=2.0)))
    assert any("more than 0.5 page faults a message: streams/asyncio in echo" in text for text in found)
    assert not any("page faults" in text for text in meaning.doubts(with_samples(values(faults=0.1))))


def drifting(cell: Cell, label: str, number: int) -> float:
    """Whoever comes later in a round gets a slower machine; even rounds run backwards."""
    place = cell.arms.index(label)
    return 1.0 + 0.05 * (place if number % 2 else len(cell.arms) - place)


def test_noise_that_drifts_within_a_pair_is_found():
    cells = CELLS[:5]
    assert any("the noise drifts within a pair" in text for text in advice(cells=cells, cost=drifting))
    alarms = sum("drifts" in text for seed in SEEDS for text in advice(cells=cells, noise=0.03, seed=seed))
    assert alarms <= 2


def test_how_many_intervals_miss_by_chance_is_said():
    found = meaning.doubts(results())[-1]
    count = sum(len(cell.arms) - 1 for cell in CELLS)
    assert found.startswith(f"of {count} intervals of 95 % about {count / 20:.0f} miss the truth by chance")


def test_an_arm_is_known_by_its_factors_and_not_by_its_name():
    odd = dataclasses.replace(recorded_bench.arm("streams/asyncio"), label="buffered", factors={"loop": "x"})
    cell = dataclasses.replace(ONE, arms=(odd.label, "sockets/asyncio"))
    assert Results({}, (odd, recorded_bench.arm("sockets/asyncio")), (cell,), (), {}).choices(cell) == [odd]
