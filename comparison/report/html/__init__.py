"""The HTML report: one self-contained page with the pairings, the differences, their causes, the code and the cost.

Data flows one way: `gather` gets a survey, `causes`, `evidence`, `code` and `cost` each make one part of the page of
it, and `page` puts the parts into the templates. Whatever comes from a log or a command is escaped there,
and nowhere else. The script of the page draws evidence and diagrams from the data that stands in the page.
"""
