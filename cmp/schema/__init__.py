"""One language for documents that people write: their keys, the mistakes in them, and their values.

spec.py         the shapes of values: each checks a node, and builds the value of a node without a mistake
json_node.py    nodes of documents that are read as Go reads them, where `yamldoc.nodes` keeps texts as written
jsonschema.py   a specification as a JSON Schema
"""
