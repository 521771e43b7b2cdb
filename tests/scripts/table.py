"""What came of a step, as lines that a reviewer can read."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields

from manager.planner.announcer_specs import assignments_in, routes_in
from manager.planner.desired import Plan
from pointsman.model.assignment import KERNEL
from pointsman.model.names import ADD_PATH, BGP_APPLIED, ESTABLISHED, READY
from pointsman.model.record import ConditionValue
from pointsman.model.route import PathAttributes
from pointsman.model.verdicts.severity import warns
from tests.scripts.story import Story, tell
from tests.scripts.world import Paths, World

# Conditions that are always there, and True when all is well; others come with a trouble.
USUAL = {READY, ESTABLISHED, ADD_PATH, BGP_APPLIED}

Table = dict[str, list[str]]  # head line -> lines below it


def table(world: World, decided: Plan) -> Table:
    """Return services, paths per peer, and whatever of ours is not as it should be."""
    found: Table = {}
    for key, record in sorted(decided.services.items()):
        doc = world.docs[f"Service {key}"]
        by = doc["metadata"].get("annotations", {}).get("pointsman.dev/announced-by")
        has = ", ".join(record.ingress) or "no address"
        head = f"service {key}: {has}" + (f", by {by}" if by else "")
        found[head] = list(_conditions(record.conditions))
    for key, verdict in sorted(decided.left_alone.items()):
        found[f"service {key}: not ours"] = [f"{verdict.reason}: {verdict}"]
    for line in (*_paths(decided), *_assignments(decided), *_routes(decided)):
        found[line] = []
    for resource, record_ in sorted(decided.statuses.items()):
        amiss = [
            f"{name}: {one.status} {one.reason}: {one.message}"
            for name, one in sorted(record_.conditions.items())
            if (one.status != "True" if name in USUAL else warns(one.reason, one.status))
        ]
        if amiss:
            found[f"{resource.kind} {resource.name}"] = amiss
    return found


def _conditions(conditions: Mapping[str, ConditionValue]) -> Iterator[str]:
    for _, one in sorted(conditions.items()):
        yield f"{one.status} {one.reason}: {one.message}"


def _paths(decided: Plan) -> Iterator[str]:
    hops: dict[tuple[str, str], list[str]] = {}
    for key, route in decided.routes.items():
        node = decided.speakers[0].nodes.get(key.next_hop, "?")
        by = f" by speaker {key.speaker}" if key.speaker else ""
        for peer in sorted(map(str, route.peers)):
            hop = f"{node} {key.next_hop}{_attributes(route.attributes)}{by}"
            hops.setdefault((peer, str(key.prefix)), []).append(hop)
    for (peer, prefix), found in sorted(hops.items()):
        yield f"{peer} hears {prefix} via {', '.join(found)}"


def _assignments(decided: Plan) -> Iterator[str]:
    for node, record in sorted(decided.announcers.items()):
        for entry in assignments_in(record.spec):
            words = ["centrally"] if entry["responder"] == "Central" else []
            words += [f"probing for {', '.join(entry['probe'])}"] if "probe" in entry else []
            words += [f"{entry['announceRate']} a second"] if "announceRate" in entry else []
            how = f" ({'; '.join(words)})" if words else ""
            does = "has" if entry["responder"] == KERNEL else "answers for"
            yield f"{node} {entry['interface']} {does} {', '.join(entry['addresses'])}{how}"


def _routes(decided: Plan) -> Iterator[str]:
    for node, record in sorted(decided.announcers.items()):
        for one in routes_in(record.spec):
            whose = "its router's too" if one["redistribute"] else "its own alone"
            yield f"{node} ends what nobody has in {one['prefix']} ({whose})"


def _attributes(attributes: PathAttributes) -> str:
    """Return what differs from a plain path, as " (med 5, weight 2)"."""
    plain = PathAttributes()
    clauses = [
        f"{one.name} {' '.join(value) if isinstance(value, tuple) else value}"
        for one in fields(PathAttributes)
        if (value := getattr(attributes, one.name)) != getattr(plain, one.name)
    ]
    return f" ({', '.join(clauses)})" if clauses else ""


def transcript(story: Story) -> list[str]:
    """Tell *story* and return it with its tables; sentences only where they changed."""
    world, lines, before = story.world(), [f"=== {story.name}"], Table()
    for number, (step, (decided, _, writes)) in enumerate(
        zip(story.steps, replayed(story, world), strict=True), start=1
    ):
        lines += ["", f"{number}. {step['say']}"]
        now = table(world, decided)
        shown_before = {line for below in before.values() for line in below}
        for head, below in now.items():
            lines.append(f"   {head}")
            lines += [f"      {line}" for line in below if line not in shown_before]
        counted = Counter(writes)
        if counted:
            wrote = ", ".join(f"{key} {times}x" for key, times in sorted(counted.items()))
            lines.append(f"   written: {wrote}")
        if world.events:
            lines.append(f"   events: {', '.join(sorted(world.events))}")
        before = now
    return lines


def replayed(story: Story, world: World) -> Iterator[tuple[Plan, list[Paths], list[str]]]:
    """Tell *story* to *world*, and yield after each step: plan, tables of paths, writes."""
    for step in story.steps:
        tell(world, step)
        decided, tables = world.settle()
        yield decided, tables, list(world.writes)
