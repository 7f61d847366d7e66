"""The judgement on rendered objects: whether the API server of their cluster takes them, and its policies allow them.

    schemas.py       the schemas of a version of Kubernetes, compiled
    served.py        the kinds that it serves
    values.py        rules that the server has beside them: quantities, base64, names, ports, enumerations
    wording.py       the mistakes that a schema finds, in words
    definitions.py   custom kinds, by their CustomResourceDefinitions
    structural.py    a schema of those as JSON Schema; patterns.py and formats.py, the texts that it allows
    defaulting.py    what the server fills into a custom object, and what it checks beside its schema
    lifecycle.py     versions of the API that are deprecated or removed
    policies/        policies of Gatekeeper, judged by gator
    judge.py         all of these but the policies, for the objects of one pair
    outputs.py       the objects of a render judged, and all that is said of them masked

Nothing here renders, and nothing asks a cluster.
"""
