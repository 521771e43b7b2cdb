"""A pile of raw objects, as if it were the whole cluster: what `plan --offline` plans.

Pure. Unknown kinds are passed over (a folder of manifests holds Deployments too); an
object that cannot be read is left out, with a sentence.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from manager.adapters.kubernetes import codec
from manager.adapters.kubernetes.fields import Fields, Json, Malformed
from manager.adapters.kubernetes.metadata import name_of
from manager.adapters.kubernetes.secret_codec import secret
from manager.snapshot import EipName, Observed, Settings, Snapshot
from pointsman.model.names import API_VERSION, CLUSTER_NAMESPACE, GROUP
from pointsman.model.printable import clipped
from pointsman.model.route import PeerName

READERS: Final[Mapping[tuple[str, str], Callable[[Json], Any]]] = {
    ("v1", "Service"): codec.service,
    ("v1", "Node"): codec.node,
    ("v1", "Namespace"): codec.namespace,
    ("v1", "Secret"): secret,
    ("discovery.k8s.io/v1", "EndpointSlice"): codec.endpoint_slice,
    (API_VERSION, "Eip"): codec.eip,
    (API_VERSION, "BgpConf"): codec.bgp_conf,
    (API_VERSION, "BgpPeer"): codec.bgp_peer,
    (API_VERSION, "Announcer"): codec.announcer,
}
KINDS: Final = {kind: version for version, kind in READERS}
LISTS: Final = frozenset({"List", *(f"{kind}List" for kind in KINDS)})
OUR_KINDS: Final = sorted(kind for kind, version in KINDS.items() if version == API_VERSION)


def snapshot_of(
    objects: Iterable[object], *, settings: Settings | None = None
) -> tuple[Snapshot, tuple[str, ...]]:
    """Return the cluster these objects make, and a sentence for each that cannot be read.

    Of two objects with one kind and name the later one counts, as with `kubectl apply`.
    """
    found: dict[str, dict[tuple[str, str], Any]] = {kind: {} for kind in KINDS}
    problems: list[str] = []
    for raw in flattened(objects):
        try:
            problems += _place(found, raw)
        except Malformed as error:
            problems.append(str(error))
    return _assembled(found, settings or Settings()), tuple(problems)


def flattened(objects: Iterable[object]) -> Iterator[object]:
    """Yield every object, looking into lists; what is no object comes out as it is."""
    for raw in objects:
        if raw is None:  # an empty YAML document
            continue
        kind = raw.get("kind") if isinstance(raw, Mapping) else None
        if not isinstance(raw, Mapping) or not isinstance(kind, str):
            yield raw
        elif kind in LISTS and raw.get("items") is None:  # as an API server writes an empty one
            continue
        elif kind.endswith("List") and isinstance(items := raw.get("items"), list):
            # The items of a typed list name neither kind nor version.
            own = {"apiVersion": raw.get("apiVersion"), "kind": kind.removesuffix("List")}
            yield from flattened({**own, **i} if isinstance(i, Mapping) else i for i in items)
        else:
            yield raw


def passed_over(raw: object) -> str:
    """Return of which kind *raw* is, if it is one of none that are looked at; else "".

    A name that others have given to a kind of theirs, too, is told apart by its version.
    """
    kind = raw.get("kind") if isinstance(raw, Mapping) else None
    if not isinstance(raw, Mapping) or not isinstance(kind, str) or kind in LISTS:
        return ""
    version = str(raw.get("apiVersion", ""))
    if version.partition("/")[0] in (GROUP, _group(kind)):  # read, or refused
        return ""
    return f"{kind} of {version}" if version and kind in KINDS else kind


def _group(kind: str) -> str | None:
    """Return the group of a kind that is looked at, which for those of v1 is their version."""
    return KINDS[kind].partition("/")[0] if kind in KINDS else None


def _place(found: dict[str, dict[tuple[str, str], Any]], item: object) -> list[str]:
    """Put *item* where it belongs; return what of it was left out."""
    doc = Fields(name_of(item), item)
    version, kind, raw = doc.text("apiVersion"), doc.text("kind"), doc.raw
    if not kind:
        raise Malformed(f"{doc.what} has no kind; is it a Kubernetes object?")
    if kind in LISTS:  # else it was looked into
        raise Malformed(f"{doc.what} has `items` that are no list; write a list of objects.")
    read = READERS.get((version, kind))
    if read is None:
        group = version.partition("/")[0]
        if group == _group(kind):
            raise Malformed(
                f"{doc.what} has apiVersion '{clipped(version)}'; write {KINDS[kind]!r}."
            )
        if group == GROUP:
            raise Malformed(f"{doc.what} is of no kind of {group}; write {', '.join(OUR_KINDS)}.")
        return []
    value = read(raw)
    if value is None:
        return []
    meta = raw["metadata"]
    found[kind][meta.get("namespace") or "default", meta["name"]] = value
    partly = getattr(value, "unreadable", "")
    return [partly] if partly else []


def _assembled(found: dict[str, dict[tuple[str, str], Any]], settings: Settings) -> Snapshot:
    namespaces = found["Namespace"].values()
    return Snapshot(
        services={value.key: value for value in found["Service"].values()},
        endpoint_slices={value.key: value for value in found["EndpointSlice"].values()},
        nodes={value.name: value for value in found["Node"].values()},
        namespaces={value.name: value.labels for value in namespaces},
        cluster_uid=next((n.uid for n in namespaces if n.name == CLUSTER_NAMESPACE), ""),
        eips={EipName(value.name): value for value in found["Eip"].values()},
        bgp_confs={value.name: value for value in found["BgpConf"].values()},
        bgp_peers={PeerName(value.name): value for value in found["BgpPeer"].values()},
        announcers={value.node: value for value in found["Announcer"].values()},
        # Passwords are rarely among the files: one that is not there is unknown, not missing.
        secrets={
            (one.name, key): text
            for one in found["Secret"].values()
            for key, text in one.entries.items()
        },
        speakers=(Observed(),) * settings.speakers,  # nobody was asked
        settings=settings,
    )
