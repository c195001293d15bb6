"""Every server under good and bad peers for minutes: does anything grow?

`mix` plays the peers, `sampler` looks at the server meanwhile, `slopes` says what grows, `report` shows it.
"""
