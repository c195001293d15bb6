"""What each choice costs: a benchmark of the endpoints of the comparison.

The modules in the order in which the data flows: `arms` (who takes part), `planning` (what is measured, a `plan`),
`executor` (one sample: fresh processes, measured), `generator` (the load, a program of its own, by `connections`),
`results` (what was measured, on disk), `estimates` (ratios and their intervals), `meaning` (sentences), `baseline` (two
runs), and `view`. `command` puts them together.
"""
