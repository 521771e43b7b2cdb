"""What a ValidatingAdmissionPolicy says of a request, as an API server asks it.

Two evaluators of CEL judge each expression and have to agree; neither is cel-go, so the
conformance suite asks a real API server as well, where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cel
import celpy

Json = dict[str, Any]


def by_rust(expression: str, request: Json) -> object:
    return cel.evaluate(expression, {"request": request})


def by_python(expression: str, request: Json) -> object:
    environment = celpy.Environment()
    program = environment.program(environment.compile(expression))
    return program.evaluate({"request": celpy.json_to_cel(request)})


EVALUATORS: Final[tuple[Callable[[str, Json], object], ...]] = (by_rust, by_python)


def value(expression: str, request: Json) -> object:
    """Return what *expression* is for *request*.

    Raises:
        Exception: it is an error, as a missing key is.
    """
    one, other = (evaluate(expression, request) for evaluate in EVALUATORS)
    assert one == other, expression
    return one


def matched(policy: Json, request: Json) -> bool:
    """Return whether the policy is asked about *request* at all."""
    resource = request["resource"]
    named = "/".join(filter(None, (resource["resource"], request.get("subResource", ""))))
    rules = [
        rule
        for rule in policy["spec"]["matchConstraints"]["resourceRules"]
        if resource["group"] in rule["apiGroups"]
        and {resource["version"], "*"} & {*rule["apiVersions"]}
        and request["operation"] in rule["operations"]
        and named in rule["resources"]
    ]
    conditions = policy["spec"].get("matchConditions", [])
    return bool(rules) and all(value(one["expression"], request) for one in conditions)


def refusals(policy: Json, request: Json) -> list[str]:
    """Return in which words *policy* denies *request*; none: it is let through."""
    if not matched(policy, request):
        return []
    found = []
    for rule in policy["spec"]["validations"]:
        if not value(rule["expression"], request):
            worded = rule.get("messageExpression")
            found.append(str(value(worded, request)) if worded else rule["message"])
    return found
