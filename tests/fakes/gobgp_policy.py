"""The policy engine of the fake gobgpd: defined sets, statements, policies, assignments.

It knows the conditions and actions our adapter uses and refuses all others. What surprised
us in 4.8 is kept: entries put twice are there twice, DeletePolicy leaves the statement
behind, ListStatement calls a removal an addition.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from pointsman.gobgp_api import attribute_pb2 as at
from pointsman.gobgp_api import gobgp_pb2 as pb

KINDS = (pb.DEFINED_TYPE_NEIGHBOR, pb.DEFINED_TYPE_LARGE_COMMUNITY)
BOTH = (pb.POLICY_DIRECTION_IMPORT, pb.POLICY_DIRECTION_EXPORT)


class Refused(Exception):
    """gobgpd's words; it sends them with the code UNKNOWN."""


class Policies:
    def __init__(self) -> None:
        self.sets: dict[int, dict[str, list[str]]] = {kind: {} for kind in KINDS}
        self.statements: dict[str, pb.Statement] = {}
        self.policies: dict[str, list[str]] = {}
        self.assigned: dict[int, list[str]] = {direction: [] for direction in BOTH}
        self.default: dict[int, int] = dict.fromkeys(BOTH, pb.ROUTE_ACTION_ACCEPT)

    def add_set(self, request: pb.AddDefinedSetRequest) -> None:
        assert not request.replace, "replace does nothing to a set in use: edit it by entries"
        wanted = request.defined_set
        entries = [self._entry(wanted.defined_type, text) for text in wanted.list]
        self.sets[wanted.defined_type].setdefault(wanted.name, []).extend(entries)

    @staticmethod
    def _entry(kind: int, text: str) -> str:
        if kind == pb.DEFINED_TYPE_NEIGHBOR:
            if "/" not in text:
                raise Refused(f"invalid prefix: {text}")
            return str(ip_network(text))
        return f"^{text}$" if re.fullmatch(r"\d+:\d+:\d+", text) else text

    def delete_set(self, request: pb.DeleteDefinedSetRequest) -> None:
        kind, name = request.defined_set.defined_type, request.defined_set.name
        if name not in self.sets[kind]:
            raise Refused(f"not found defined-set: {name}")
        if request.all:
            if any(name in self._uses(one, kind) for one in self.statements.values()):
                raise Refused(f"can't delete. defined-set {name} is in use")
            del self.sets[kind][name]
        else:
            gone = {self._entry(kind, text) for text in request.defined_set.list}
            self.sets[kind][name] = [one for one in self.sets[kind][name] if one not in gone]

    @staticmethod
    def _uses(statement: pb.Statement, kind: int) -> str:
        conditions = statement.conditions
        neighbor = kind == pb.DEFINED_TYPE_NEIGHBOR
        return (conditions.neighbor_set if neighbor else conditions.large_community_set).name

    def add_policy(self, policy: pb.Policy) -> None:
        for statement in policy.statements:
            if statement.name in self.statements:
                raise Refused(f"statement {statement.name} already defined")
            for kind in KINDS:
                used = self._uses(statement, kind)
                if used and used not in self.sets[kind]:
                    raise Refused(f"not found {used}")
        present = self.policies.setdefault(policy.name, [])
        for statement in policy.statements:
            self.statements[statement.name] = statement
            present.append(statement.name)

    def delete_policy(self, request: pb.DeletePolicyRequest) -> None:
        assert not request.all, "the adapter never removes a whole policy"
        if request.policy.name not in self.policies:
            raise Refused(f"not found policy: {request.policy.name}")
        for statement in request.policy.statements:
            self.policies[request.policy.name].remove(statement.name)

    def delete_statement(self, request: pb.DeleteStatementRequest) -> None:
        name = request.statement.name
        if name not in self.statements:
            raise Refused(f"not found statement: {name}")
        if any(name in present for present in self.policies.values()):
            raise Refused(f"can't delete. statement {name} is in use")
        del self.statements[name]

    def assign(self, wanted: pb.PolicyAssignment) -> None:
        assert wanted.name == "global", "peer policies are for route servers"
        for policy in wanted.policies:
            if policy.name not in self.policies:
                raise Refused(f"not found policy {policy.name}")
        self.assigned[wanted.direction] = [policy.name for policy in wanted.policies]
        self.default[wanted.direction] = wanted.default_action

    def listed(self, name: str) -> pb.Policy:
        return pb.Policy(name=name, statements=[self.statements[s] for s in self.policies[name]])

    def listed_statements(self, name: str) -> Iterator[pb.Statement]:
        for present in self.statements.values():
            if name in {"", present.name}:
                shown = pb.Statement()
                shown.CopyFrom(present)
                if shown.actions.HasField("large_community"):
                    shown.actions.large_community.type = pb.CommunityAction.TYPE_ADD
                yield shown

    def imported(self, path: pb.Path) -> bool:
        """Say whether a path put by API gets into the table."""
        for statement in self._chain(pb.POLICY_DIRECTION_IMPORT):
            assert statement.conditions.route_type == pb.Conditions.ROUTE_TYPE_LOCAL
            return statement.actions.route_action == pb.ROUTE_ACTION_ACCEPT
        return self.default[pb.POLICY_DIRECTION_IMPORT] == pb.ROUTE_ACTION_ACCEPT

    def exported(self, path: pb.Path, router: str) -> pb.Path | None:
        """Return the path as *router* hears it, or None."""
        large = {
            f"{one.global_admin}:{one.local_data1}:{one.local_data2}"
            for attribute in path.pattrs
            for one in attribute.large_communities.communities
        }
        for statement in self._chain(pb.POLICY_DIRECTION_EXPORT):
            what = self.sets[pb.DEFINED_TYPE_LARGE_COMMUNITY][
                statement.conditions.large_community_set.name
            ]
            if not any(re.search(entry, text) for entry in what for text in large):
                continue
            if statement.actions.HasField("as_prepend"):
                path = self._repeated(path, statement)
                continue  # without a route action: on to the next
            who = self.sets[pb.DEFINED_TYPE_NEIGHBOR][statement.conditions.neighbor_set.name]
            if not any(ip_address(router) in ip_network(entry) for entry in who):
                continue
            assert statement.actions.route_action == pb.ROUTE_ACTION_ACCEPT
            action = statement.actions.large_community
            assert action.type == pb.CommunityAction.TYPE_REMOVE
            changed = self._without(path, list(action.communities))
            return _with_origin(changed, statement.actions.origin_action)
        accepted = self.default[pb.POLICY_DIRECTION_EXPORT] == pb.ROUTE_ACTION_ACCEPT
        return path if accepted else None

    @staticmethod
    def _repeated(path: pb.Path, statement: pb.Statement) -> pb.Path:
        """Return *path* with the AS that stands first repeated, if one does."""
        wanted, action = statement.conditions.as_path_length, statement.actions.as_prepend
        assert (wanted.type, wanted.length) == (pb.COMPARISON_GE, 1)
        assert action.use_left_most
        assert statement.actions.route_action == pb.ROUTE_ACTION_UNSPECIFIED
        first = next((one.as_path.segments[0].numbers[0] for one in path.pattrs
                      if one.HasField("as_path")), None)  # fmt: skip
        return path if first is None else prepended(path, first, action.repeat)

    @staticmethod
    def _without(path: pb.Path, patterns: list[str]) -> pb.Path:
        changed = pb.Path()
        changed.CopyFrom(path)
        for attribute in changed.pattrs:
            if attribute.HasField("large_communities"):
                left = [
                    one
                    for one in attribute.large_communities.communities
                    if not any(
                        re.search(p, f"{one.global_admin}:{one.local_data1}:{one.local_data2}")
                        for p in patterns
                    )
                ]
                del attribute.large_communities.communities[:]
                attribute.large_communities.communities.extend(left)
        return changed

    def _chain(self, direction: int) -> list[pb.Statement]:
        return [
            self.statements[name]
            for policy in self.assigned[direction]
            for name in self.policies[policy]
        ]


def _with_origin(path: pb.Path, action: pb.OriginAction) -> pb.Path:
    """Return *path* with the ORIGIN that a rule gives it, if it gives one."""
    for attribute in path.pattrs:
        if attribute.HasField("origin") and action.origin != pb.ORIGIN_TYPE_UNSPECIFIED:
            attribute.origin.origin = action.origin - pb.ORIGIN_TYPE_IGP
    return path


def prepended(path: pb.Path, asn: int, times: int) -> pb.Path:
    """Return a copy of *path* with *asn* so often at the beginning of its AS path."""
    changed = pb.Path()
    changed.CopyFrom(path)
    present = next((one for one in changed.pattrs if one.HasField("as_path")), None)
    if present is None:
        present = changed.pattrs.add()
        present.as_path.segments.add(type=at.AsSegment.TYPE_AS_SEQUENCE)
    numbers = present.as_path.segments[0].numbers
    numbers[:] = [asn] * times + list(numbers)
    return changed
