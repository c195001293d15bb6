"""Why each statement of the programs is there: each is altered in turn, and the scenario that notices says why."""
