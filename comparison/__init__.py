"""The engine behind compare.py: runs every server with every client, and works out what differed and why.

Data flows one way: scenario -> processes -> transcript -> differences -> report. What passes stands in `model`. No
module here knows an API: only the table in `endpoints` and the texts in `catalogue` name one.
"""
