"""deploy/patches: what a patch adds to a Deployment, and what it leaves as it is."""

from copy import deepcopy
from typing import Any

import yaml

from tests.deploy.test_manifests import DEPLOY, Json, one

LISTS_BY_NAME = ("initContainers", "containers", "volumes", "env")


def merged(base: Any, patch: Any) -> Any:
    """Return *base* patched as `kubectl patch` does it here: lists of named things by name."""
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return deepcopy(patch)
    result = dict(base)
    for key, value in patch.items():
        if key in LISTS_BY_NAME and key in base:
            named = {entry["name"]: entry for entry in base[key]}
            named |= {entry["name"]: merged(named[entry["name"]], entry) for entry in value}
            result[key] = list(named.values())
        else:
            result[key] = merged(base.get(key), value)
    return result


def patched(file: str) -> tuple[Json, Json]:
    """Return the Deployment that the patch names, without it and with it."""
    (patch,) = yaml.safe_load_all((DEPLOY / "patches" / file).read_text())
    base = one(patch["kind"], patch["metadata"]["name"])
    assert patch["metadata"]["namespace"] == base["metadata"]["namespace"]
    return base, merged(base, patch)


def test_central_gives_the_manager_packets_and_nothing_else() -> None:
    base, with_patch = patched("central.yaml")
    before, after = (one["spec"]["template"]["spec"] for one in (base, with_patch))
    (manager,), (speaker,) = after["containers"], after["initContainers"]
    assert manager["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["NET_RAW"]}
    assert speaker["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    # A capability is root's alone; the speaker's socket is for its own uid, so both change it.
    assert after["securityContext"] == before["securityContext"] | {
        "runAsNonRoot": False, "runAsUser": 0, "runAsGroup": 0,
    }  # fmt: skip
    for old, new in zip(before["containers"], after["containers"], strict=True):
        assert "runAsUser" not in new["securityContext"]
        assert old["securityContext"] | {"capabilities": {}} == (
            new["securityContext"] | {"capabilities": {}}
        )
        assert {k: v for k, v in old.items() if k != "securityContext"} == {
            k: v for k, v in new.items() if k != "securityContext"
        }
    unchanged = {"containers", "securityContext"}
    assert {k: v for k, v in before.items() if k not in unchanged} == {
        k: v for k, v in after.items() if k not in unchanged
    }


def test_kernel_lets_the_agent_change_its_nodes_network_and_nothing_else() -> None:
    base, with_patch = patched("kernel.yaml")
    pods = (one["spec"]["template"]["spec"] for one in (base, with_patch))
    (before,), (after,) = (pod["containers"] for pod in pods)
    added = {"drop": ["ALL"], "add": ["NET_RAW", "NET_ADMIN"]}
    assert after["securityContext"] == before["securityContext"] | {"capabilities": added}
    assert merged(base, {"spec": {"template": {"spec": {"containers": [after]}}}}) == with_patch
    assert {k: v for k, v in before.items() if k != "securityContext"} == {
        k: v for k, v in after.items() if k != "securityContext"
    }
