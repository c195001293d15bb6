"""The engine behind compare.py: runs every server with every client, and works out what differed and why.

Who -> play -> story -> judge -> show, and to be read in this order: `selection` with `endpoints` says who takes part,
`scenarios` in what; `play` runs it and writes down what happened; `transcript` makes events and connections of the
lines, by `vocabulary`; `judge` goes from runs to verdicts; `report` shows them. `run` stands above play and judge,
which never import each other: what passes between them stands in `model`. No module here knows an API: only the table
in `endpoints` and the texts in `judge.catalogue` name one. `bench` and `soak` measure what it costs, and what grows;
`experiments` runs the behaviours, and `why` alters the programs statement by statement.
"""

VERSION = "0.1.0"
