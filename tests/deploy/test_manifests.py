"""deploy/: what is asked of a cluster is what the code needs, and no more."""

from __future__ import annotations

import argparse
import importlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import agent.__main__
import manager.__main__
from manager.adapters.kubernetes.cluster_view import ClusterView
from pointsman.model.names import GROUP, LEASE, NODE_DEAD
from standin.in_process import standin

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UID = 65532  # the image's USER
WATCH = {"list", "watch"}
READ = {"get", *WATCH}
Json = dict[str, Any]


def load(folder: Path = DEPLOY) -> list[Json]:
    """Return the objects of *folder* as `kubectl apply -f` takes them: this folder alone."""
    found: list[Json] = []
    for file in sorted(folder.glob("*.yaml")):
        text = file.read_text()
        assert "\n---\n" in text or text.startswith("---\n"), "files may be joined by `cat`"
        found += [one for one in yaml.safe_load_all(text) if one is not None]
    return found


OBJECTS = load()
OPTIONAL = load(DEPLOY / "options")


def one(kind: str, name: str, objects: list[Json] = OBJECTS) -> Json:
    (found,) = [o for o in objects if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    return found


def rights(*roles: Json) -> dict[tuple[str, str], set[str]]:
    """Return the verbs by (API group, resource); names or wildcards must not narrow or widen."""
    found: dict[tuple[str, str], set[str]] = {}
    for role in roles:
        for rule in role["rules"]:
            assert not {"*"} & {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
            assert "resourceNames" not in rule
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    found.setdefault((group, resource), set()).update(rule["verbs"])
    return found


def containers() -> Iterator[tuple[Json, Json]]:
    for kind, name in (("Deployment", "pointsman-manager"), ("DaemonSet", "pointsman-agent")):
        pod = one(kind, name)["spec"]["template"]["spec"]
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            yield pod, container


CONTAINERS = [pytest.param(pod, c, id=c["name"]) for pod, c in containers()]


def test_the_manager_may_read_what_it_watches() -> None:
    """The kinds are the code's own, so a ninth kind without its right fails here.

    What else it asks for, the API server in memory refuses every test that has no right to it.
    """
    view = ClusterView(None, wake=lambda: None, rng=random.Random(0))  # type: ignore[arg-type]
    granted = rights(one("ClusterRole", "pointsman-manager"))
    for kind in view.caches:
        group = kind.root.split("/")[2] if kind.root.startswith("/apis/") else ""
        one_by_one = {"get"} if kind.plural == "bgppeers" else set()  # after a conflict
        assert granted[group, kind.plural] & READ == WATCH | one_by_one, kind.plural


def test_the_manager_may_write_this_and_nothing_else() -> None:
    granted = rights(one("ClusterRole", "pointsman-manager"))
    assert {key: verbs - READ for key, verbs in granted.items() if verbs - READ} == {
        ("", "services/status"): {"patch"},
        ("", "events"): {"create"},
        (GROUP, "eips"): {"patch"},
        (GROUP, "eips/status"): {"patch"},
        (GROUP, "bgpconfs/status"): {"patch"},
        (GROUP, "bgppeers/status"): {"patch"},
        (GROUP, "announcers"): {"create", "patch", "delete"},
    }
    assert granted["apiextensions.k8s.io", "customresourcedefinitions"] == {"get"}


def test_leases_and_secrets_are_those_of_our_namespace_alone() -> None:
    assert LEASE == "pointsman-manager"
    home = one("Role", "pointsman-manager")
    leases = {"get", "list", "create", "patch", "delete"}
    assert rights(home) == {("coordination.k8s.io", "leases"): leases}
    passwords = one("Role", "pointsman-passwords", OPTIONAL)
    assert rights(passwords) == {("", "secrets"): WATCH}
    for role in (home, passwords):
        assert role["metadata"]["namespace"] == "pointsman-system"
    everywhere = rights(*(o for o in OBJECTS if o["kind"] == "ClusterRole"))
    assert not {("", "secrets"), ("coordination.k8s.io", "leases")} & everywhere.keys()


def test_pods_are_an_option_and_a_policy_narrows_it() -> None:
    role = one("ClusterRole", "pointsman-mark-dead-nodes", OPTIONAL)
    assert rights(role) == {("", "pods"): {"list"}, ("", "pods/status"): {"patch"}}
    policy = one("ValidatingAdmissionPolicy", "pointsman-mark-dead-nodes", OPTIONAL)
    (condition,) = policy["spec"]["matchConditions"]
    account = one("ServiceAccount", "pointsman-manager")["metadata"]
    user = f"system:serviceaccount:{account['namespace']}:{account['name']}"
    assert condition["expression"] == f"request.userInfo.username == '{user}'"
    assert f"c.reason == '{NODE_DEAD}'" in policy["spec"]["validations"][0]["expression"]
    binding = one("ValidatingAdmissionPolicyBinding", "pointsman-mark-dead-nodes", OPTIONAL)
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]


def test_an_agent_may_read_announcers_and_write_their_status() -> None:
    assert rights(one("ClusterRole", "pointsman-agent")) == {
        (GROUP, "announcers"): WATCH,
        (GROUP, "announcers/status"): {"patch"},
    }


@pytest.mark.parametrize(
    "binding", [o for o in OBJECTS + OPTIONAL if o["kind"].endswith("RoleBinding")]
)
def test_every_binding_names_what_exists(binding: Json) -> None:
    role = binding["roleRef"]
    one(role["kind"], role["name"], OBJECTS + OPTIONAL)
    (subject,) = binding["subjects"]
    account = one("ServiceAccount", subject["name"])
    assert account["metadata"]["namespace"] == subject["namespace"]


@pytest.mark.parametrize(("pod", "container"), CONTAINERS)
def test_no_container_has_a_privilege_that_it_can_do_without(pod: Json, container: Json) -> None:
    context = container["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    is_agent = container["name"] == "agent"
    packets = {"add": ["NET_RAW"]} if is_agent else {}  # it answers ARP and NDP
    assert context["capabilities"] == {"drop": ["ALL"]} | packets
    # Root, for it alone is handed a capability.
    assert pod["securityContext"].get("runAsNonRoot", False) is not is_agent
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostPID", "hostIPC"} & pod.keys()
    paths = [
        volume["hostPath"]["path"] for volume in pod.get("volumes", []) if "hostPath" in volume
    ]
    assert paths == ([str(agent.__main__.STATE_DIR)] if is_agent else [])


def test_what_an_agent_remembers_outlives_its_pod_and_a_boot() -> None:
    ((pod, container),) = [both for both in containers() if both[1]["name"] == "agent"]
    (mount,) = container["volumeMounts"]
    assert mount["mountPath"] == str(agent.__main__.STATE_DIR)
    (volume,) = pod["volumes"]
    assert volume == {
        "name": mount["name"],
        "hostPath": {"path": str(agent.__main__.STATE_DIR), "type": "DirectoryOrCreate"},
    }


@pytest.mark.parametrize(("pod", "container"), CONTAINERS)
def test_every_container_runs_as_the_image_does(pod: Json, container: Json) -> None:
    # The speaker's socket is its owner's.
    assert pod["securityContext"]["runAsUser"] == (0 if container["name"] == "agent" else UID)
    assert "runAsUser" not in container["securityContext"]
    assert f"USER {UID}:{UID}" in (ROOT / "Dockerfile").read_text()
    name, _, tag = container["image"].partition(":")
    assert name == "pointsman", "a registry is the user's choice"
    assert f'version = "{tag}"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize(("pod", "container"), CONTAINERS)
def test_every_program_takes_its_arguments(pod: Json, container: Json) -> None:
    known = {f"$({env['name']})": env["name"].lower() for env in container.get("env", [])}
    args = []
    for arg in container["args"]:
        flag, equals, value = arg.partition("=")
        args.append(flag + equals + (known[value].replace("_", "-") if "$" in value else value))
    if container["name"] == "gobgp":
        assert container["command"] == ["python", "-m", "sidecars.gobgp"]
        importlib.import_module("sidecars.gobgp.__main__")
        (socket,) = args
        assert socket.startswith("--socket=")
        return
    program = {"manager": manager, "agent": agent}[args[0]]
    parser: argparse.ArgumentParser = program.__main__.parser()
    parser.parse_args(args[1:])


def test_manager_and_speaker_meet_below_a_volume_of_their_own() -> None:
    """Below, not in it: the sidecar refuses a directory that others may enter."""
    pod = one("Deployment", "pointsman-manager")["spec"]["template"]["spec"]
    (speaker,), (leader,) = pod["initContainers"], pod["containers"]
    (socket,) = (Path(arg.removeprefix("--socket=")) for arg in speaker["args"])
    assert f"--gobgp-socket={socket}" in leader["args"]
    for container in (speaker, leader):
        (mount,) = [m for m in container["volumeMounts"] if m["name"] == "run"]
        assert Path(mount["mountPath"]) == socket.parent.parent
    (volume,) = [v for v in pod["volumes"] if v["name"] == "run"]
    assert "emptyDir" in volume


def test_the_speaker_is_there_before_the_manager_and_stopped_after_it() -> None:
    """A container of its own order would be killed beside its manager, or started late."""
    pod = one("Deployment", "pointsman-manager")["spec"]["template"]["spec"]
    assert [c["name"] for c in pod["containers"]] == ["manager"]
    assert [c["restartPolicy"] for c in pod["initContainers"]] == ["Always"]


@pytest.mark.parametrize(("pod", "container"), CONTAINERS)
def test_requests_are_made_and_processor_time_is_not_limited(pod: Json, container: Json) -> None:
    """A limit of CPU stops a program for tens of milliseconds: heartbeats would be late."""
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "cpu" not in container["resources"].get("limits", {})
    wanted = {"agent": "system-node-critical"}.get(container["name"], "system-cluster-critical")
    assert pod["priorityClassName"] == wanted


def test_both_programs_use_the_hosts_network() -> None:
    assert all(pod["hostNetwork"] for pod, _ in containers())
    level = one("Namespace", "pointsman-system")["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):  # hostNetwork asks for it
        assert level[f"pod-security.kubernetes.io/{mode}"] == "privileged"


def test_managers_never_share_a_node_and_count_themselves() -> None:
    deployment = one("Deployment", "pointsman-manager")["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    pod = deployment["template"]
    (rule,) = pod["spec"]["affinity"]["podAntiAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert rule["topologyKey"] == "kubernetes.io/hostname"
    assert rule["labelSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    leader = next(c for c in pod["spec"]["containers"] if c["name"] == "manager")
    # They count themselves: of two replicas, a cluster of one node runs one.
    assert not [one for one in leader["args"] if one.startswith("--replicas")]
    waits = [t["tolerationSeconds"] for t in pod["spec"]["tolerations"] if "tolerationSeconds" in t]
    assert max(waits) <= 30


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
def test_selectors_select(kind: str) -> None:
    (found,) = [o for o in OBJECTS if o["kind"] == kind]
    labels = found["spec"]["template"]["metadata"]["labels"]
    assert found["spec"]["selector"]["matchLabels"].items() <= labels.items()


async def test_the_namespace_is_taken_by_an_api_server() -> None:
    """The stand-in serves no Deployments or roles; it judges the one object that it knows."""
    import aiohttp

    async with standin() as url, aiohttp.ClientSession() as session:
        path = f"{url}/api/v1/namespaces?fieldValidation=Strict"
        async with session.post(path, json=one("Namespace", "pointsman-system")) as answer:
            assert answer.status == 201
