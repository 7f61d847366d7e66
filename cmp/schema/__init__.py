"""One language for the documents that people write: which keys there are, what is wrong, and the values that they mean.

spec.py         the shapes of values: each checks a node, and builds the value of a node without a mistake
values.py       nodes of documents that are read as Go reads them, where `yamldoc.nodes` keeps texts as written
jsonschema.py   a specification as a JSON Schema
"""
