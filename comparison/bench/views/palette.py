"""What lines are told apart by, in every chart: needs no package."""

COLOURS = ("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
"""Okabe and Ito, "Color Universal Design", 2008: the colour-blind tell them apart, and they differ in grey."""

DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (5, 5)))
PIXELS_PER_INCH = 150
