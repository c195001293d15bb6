"""Every server under good and bad peers for minutes: does anything grow?"""
