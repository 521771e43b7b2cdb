"""What deploy/ lets the manager do in an API: a fake that asks here proves that it suffices."""

from functools import cache
from pathlib import Path

import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


@cache
def granted() -> frozenset[tuple[str, str]]:
    """Return (verb, resource) of every rule bound to the manager; `services/status` is one."""
    found = set()
    for file in (DEPLOY / "10-rbac.yaml", *sorted((DEPLOY / "options").glob("*.yaml"))):
        for role in yaml.safe_load_all(file.read_text()):
            if role and role["metadata"]["name"] != "pointsman-agent":
                for rule in role.get("rules", []):
                    found |= {(v, what) for v in rule["verbs"] for what in rule["resources"]}
    return frozenset(found)


def check(verb: str, plural: str) -> None:
    """Fail the test that asks for more; *verb* may bear a subresource: `patch status`."""
    verb, _, sub = verb.partition(" ")
    what = f"{plural}/{sub}" if sub else plural
    assert (verb, what) in granted(), f"deploy/10-rbac.yaml grants the manager no {verb} on {what}"
