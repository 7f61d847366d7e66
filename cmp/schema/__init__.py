"""One language for the documents that people write: which keys there are, what is wrong, and the values that they mean.

spec.py         the shapes of values: each checks a node, and builds the value of a node without a mistake
jsonschema.py   a specification as a JSON Schema
"""
