"""Words for stories about addresses, on top of those of e2e.services: what a user does is kubectl.

`read` is the proof that an edit was judged: the manager says of which generation of an
Eip it speaks, after it wrote what follows from it to Services.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import manager
from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.cluster import CRS, PREFIX, verdicts
from lab.cluster.client import Json

TEAM = "team-a"
SERVICES = "/api/v1/namespaces/{namespace}/services"
ROOT = Path(manager.__file__).parents[1]
TEAM_LABEL = "example.com/team"


def tidy(lab: Bed) -> None:
    """Undo what the stories did beyond what `cluster.tidy` knows, then all of that."""
    if lab.standin_api:  # a real server takes no orders of faults
        lab.api.request("DELETE", "/_faults")
    if lab.api.find(f"/api/v1/namespaces/{TEAM}"):
        collection = SERVICES.format(namespace=TEAM)
        for item in lab.api.get(collection)["items"]:
            lab.api.delete(f"{collection}/{item['metadata']['name']}")
    unlabelled = {"metadata": {"labels": {TEAM_LABEL: None}}}
    lab.api.merge("/api/v1/namespaces/default", unlabelled)
    cluster.tidy(lab)


# --- doing ---


def team(lab: Bed) -> None:
    """Make the namespace of the team, with its label."""
    meta = {"name": TEAM, "labels": {TEAM_LABEL: "a"}}
    apply(lab, {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})


def apply(lab: Bed, *objects: Json) -> None:
    lab.kubectl("apply", "-f", "-", stdin="\n".join(map(json.dumps, objects)))


def eip(lab: Bed, name: str, *addresses: str, **spec: Any) -> None:
    """Apply an Eip, new or changed."""
    apply(lab, cluster.custom("Eip", name, {"addresses": list(addresses), **spec}))


def service(
    name: str, *, namespace: str = "default", notes: dict[str, str] | None = None, **spec: Any
) -> Json:
    """Return a Service without endpoints, for stories that need no packet."""
    annotations = {f"{PREFIX}{key}": value for key, value in (notes or {}).items()}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "targetPort": 8080}], **spec},
    }


def patch(lab: Bed, what: str, body: Json, *words: str) -> None:
    """Merge *body* into *what* ("service/web") with kubectl; *words*: `--subresource=status`."""
    lab.kubectl("patch", what, "--type=merge", "-p", json.dumps(body), *words)


def ingress(lab: Bed, name: str, *addresses: str) -> None:
    """Write status.loadBalancer by hand, as somebody may who should not."""
    entries = [{"ip": address, "ipMode": "VIP"} for address in addresses]
    body = {"status": {"loadBalancer": {"ingress": entries or None}}}
    patch(lab, f"service/{name}", body, "--subresource=status")


def restarted(lab: Bed) -> None:
    """Kill the manager; return when another one runs."""
    pid = lab.process("manager")["pid"]
    lab.kill("manager")
    lab.wait("another manager", lambda: lab.process("manager")["pid"] not in (None, pid))


def poison(lab: Bed, path: str, code: int = 500) -> None:
    """Let every PATCH of *path* fail from now on, until `cure`; skips on a real API server."""
    cluster.standin_only(lab)
    fault = {"code": code, "verb": "PATCH", "path": path, "count": 10_000}
    lab.api.request("POST", "/_faults", fault)


def cure(lab: Bed) -> None:
    lab.api.request("DELETE", "/_faults")


# --- looking ---


def read(lab: Bed, name: str) -> Json:
    """Return Eip *name* once the manager has judged the Eip as it is now."""

    def look() -> Json:
        found = lab.api.get(f"{CRS}/eips/{name}")
        seen = (found.get("status") or {}).get("observedGeneration")
        if seen != found["metadata"]["generation"]:
            raise Broken(f"generation {seen} of {found['metadata']['generation']} was judged")
        return found

    return lab.wait(f"a judgement of Eip {name}", look)


def ready(lab: Bed, name: str, reason: str, *words: str) -> str:
    """Wait until the Ready condition of Eip *name* has that reason; return its sentence."""

    def look() -> str:
        found = verdicts(lab.api.get(f"{CRS}/eips/{name}")).get("Ready")
        if found is None or found[1] != reason or any(word not in found[2] for word in words):
            raise Broken(f"Ready is {found}")
        return found[2]

    return lab.wait(f"{reason} {words} of Eip {name}", look)


def gone(lab: Bed, name: str) -> None:
    """Wait until there is no Eip *name*."""
    lab.wait(f"the end of Eip {name}", lambda: lab.api.find(f"{CRS}/eips/{name}") is None)


def has(lab: Bed, name: str, *addresses: str) -> None:
    """Wait until Service *name* holds exactly *addresses*."""

    def look() -> bool:
        found = cluster.addresses(lab, name)
        if found != list(addresses):
            raise Broken(f"it holds {found}: {verdicts(cluster.get(lab, name))}")
        return True

    lab.wait(f"{addresses} at {name}", look)


def booked(lab: Bed, name: str, *origins: str) -> None:
    """Wait until allocated-from of Service *name* says *origins*."""

    def look() -> bool:
        found = cluster.notes(cluster.get(lab, name)).get("allocated-from")
        if found != ",".join(origins):
            raise Broken(f"it says {found}")
        return True

    lab.wait(f"{origins} in allocated-from of {name}", look)


def refused(lab: Bed, name: str, reason: str, *words: str) -> str:
    """Wait until *name* is not allocated for that reason; status and Event say the same."""
    sentence = cluster.reported(lab, name, "Allocated", "False", reason, *words)
    assert cluster.notes(cluster.get(lab, name))["status"] == sentence
    event = ("Warning", reason, sentence)
    lab.wait(f"the Event {reason}", lambda: event in cluster.events(lab, name))
    return sentence


def explained(lab: Bed, *words: str) -> Json:
    """Return what `pointsman explain` says of the lab's cluster."""
    command = [sys.executable, "-m", "cli", "explain", *words]
    command += ["--kubeconfig", str(lab.kubeconfig), "-o", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    answer: Json = json.loads(done.stdout)
    return answer
