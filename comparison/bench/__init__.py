"""What each choice costs: a benchmark of the endpoints of the comparison. In the order in which the data flows:
`planning` (who, and what), `generator` (the load, a program of its own), `results`, `estimates` (ratios and their
intervals), `meaning` (sentences), `view`. `command` measures, and puts them together.
"""
