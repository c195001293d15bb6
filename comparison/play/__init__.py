"""Run a scenario and write down what happened: nothing here knows what will be made of it."""
