"""What each choice costs: a benchmark of the endpoints of the comparison. The data flows from `planning` to `generator`
(the load, a program of its own), `results`, `estimates`, `meaning` and `view`; `command` measures."""
