"""An agent writes the Announcer of its own node, and no other: the policy, request by request."""

from typing import Any

import pytest

from pointsman.model.names import GROUP
from tests.deploy.admission import refusals
from tests.deploy.test_manifests import Json, one

NAME = "pointsman-own-announcer"
POLICY = one("ValidatingAdmissionPolicy", NAME)
AGENT = "system:serviceaccount:pointsman-system:pointsman-agent"
NODE = "authentication.kubernetes.io/node-name"
POD = "authentication.kubernetes.io/pod-name"
BOUND = {NODE: ["node1"], POD: ["pointsman-agent-x7k2p"]}


def request(
    user: str = AGENT,
    *,
    name: str = "node1",
    extra: Json | None = BOUND,
    operation: str = "UPDATE",
    plural: str = "announcers",
    sub: str = "status",
) -> Json:
    """Return an AdmissionRequest; without *extra* the key is absent, as at an API server."""
    who: Json = {"username": user, "groups": ["system:serviceaccounts", "system:authenticated"]}
    made: Json = {
        "resource": {"group": GROUP, "version": "v1alpha1", "resource": plural},
        "operation": operation,
        "name": name,
        "userInfo": who if extra is None else who | {"extra": extra},
    }
    return made | ({"subResource": sub} if sub else {})


@pytest.mark.parametrize("sub", ["", "status"])
@pytest.mark.parametrize("operation", ["CREATE", "UPDATE", "DELETE"])
def test_its_own_and_no_other(operation: str, sub: str) -> None:
    assert refusals(POLICY, request(operation=operation, sub=sub)) == []
    assert refusals(POLICY, request(name="node2", operation=operation, sub=sub)) == [
        "the agent on node node1 may write the Announcer of that node alone, not node2"
    ]


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(None, id="a certificate, or a token from a Secret"),
        pytest.param({}, id="extra, but empty"),
        pytest.param({"authentication.kubernetes.io/credential-id": ["JTI=1"]}, id="unbound"),
        pytest.param({NODE: []}, id="a key without a value"),
        pytest.param({NODE: ["node1", "node2"]}, id="two nodes"),
        pytest.param({NODE: ["node2", "node1"]}, id="two nodes, the other first"),
    ],
)
def test_who_names_no_node_is_told_what_is_lacking(extra: Any) -> None:
    (words,) = refusals(POLICY, request(extra=extra))
    for part in ("names no node", "the agent's Pod", "Secret", "kubeconfig", "create token"):
        assert part in words
    assert "\n" not in words  # the API server takes no message of two lines


@pytest.mark.parametrize("name", ["", "node", "node1.", "node10", "NODE1"])
def test_a_name_that_is_only_like_it_is_another(name: str) -> None:
    """An empty one is that of a whole collection: `delete --all`."""
    assert len(refusals(POLICY, request(name=name, operation="DELETE", sub=""))) == 1


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(request("system:serviceaccount:pointsman-system:pointsman-manager",
                             name="node2", extra=None), id="the manager writes every one"),
        pytest.param(request("admin", name="node2", extra=None), id="an administrator, too"),
        pytest.param(request("system:serviceaccount:default:pointsman-agent", name="node2"),
                     id="a service account of that name elsewhere"),
        pytest.param(request(name="node2", plural="eips"), id="another kind: RBAC says no"),
    ],
)  # fmt: skip
def test_of_others_it_says_nothing(asked: Json) -> None:
    assert refusals(POLICY, asked) == []


def test_it_denies_when_it_can_not_be_asked() -> None:
    assert POLICY["spec"]["failurePolicy"] == "Fail"
    binding = one("ValidatingAdmissionPolicyBinding", NAME)["spec"]
    assert binding == {"policyName": NAME, "validationActions": ["Deny"]}  # and for every object


def test_it_speaks_of_the_account_that_agents_have() -> None:
    account = one("ServiceAccount", "pointsman-agent")["metadata"]
    user = f"system:serviceaccount:{account['namespace']}:{account['name']}"
    (condition,) = POLICY["spec"]["matchConditions"]
    assert condition["expression"] == f"request.userInfo.username == '{user}'"
    pod = one("DaemonSet", "pointsman-agent")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == account["name"]
    # The token of the Pod, and so its node: nothing else is mounted, and mounting is not off.
    assert "automountServiceAccountToken" not in pod
