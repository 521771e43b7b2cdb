"""The built-in kinds' fields, one line per Go struct, and what decoding them does.

`name:type` is dropped when empty (Go's omitempty); `*` marks a pointer, whose zero value is
kept; `!` a field that is always sent. `[T]` is a list, `{T}` a map, `[T]@key` a list that
strategic merge joins by *key* (`@` alone: a set). Refuses to describe what no test or kubectl
here needs: such fields are `any`, carried untouched.

Source: k8s.io/api v0.36 struct tags.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from standin.grammar.errors import ApiError, bad_request

TEXT: Final = """
ObjectMeta name:str generateName:str namespace:str selfLink:str uid:str resourceVersion:str generation:int creationTimestamp:time deletionTimestamp:time* deletionGracePeriodSeconds:int* labels:{str} annotations:{str} ownerReferences:[OwnerReference]@uid finalizers:[str]@ managedFields:[any]
OwnerReference apiVersion:str! kind:str! name:str! uid:str! controller:bool* blockOwnerDeletion:bool*
ObjectReference kind:str namespace:str name:str uid:str apiVersion:str resourceVersion:str fieldPath:str
Condition type:str! status:str! observedGeneration:int lastTransitionTime:time! reason:str! message:str!
Service spec:ServiceSpec! status:ServiceStatus!
ServiceSpec ports:[ServicePort]@port selector:{str} clusterIP:str clusterIPs:[str] type:str externalIPs:[str] sessionAffinity:str loadBalancerIP:str loadBalancerSourceRanges:[str] externalName:str externalTrafficPolicy:str healthCheckNodePort:int publishNotReadyAddresses:bool sessionAffinityConfig:SessionAffinityConfig* ipFamilies:[str] ipFamilyPolicy:str* allocateLoadBalancerNodePorts:bool* loadBalancerClass:str* internalTrafficPolicy:str* trafficDistribution:str*
ServicePort name:str protocol:str appProtocol:str* port:int! targetPort:intstr nodePort:int
SessionAffinityConfig clientIP:ClientIPConfig*
ClientIPConfig timeoutSeconds:int*
ServiceStatus loadBalancer:LoadBalancerStatus! conditions:[Condition]@type
LoadBalancerStatus ingress:[LoadBalancerIngress]
LoadBalancerIngress ip:str hostname:str ipMode:str* ports:[PortStatus]
PortStatus port:int! protocol:str! error:str*
Node spec:NodeSpec! status:NodeStatus!
NodeSpec podCIDR:str podCIDRs:[str]@ providerID:str unschedulable:bool taints:[Taint] configSource:any externalID:str
Taint key:str! value:str effect:str! timeAdded:time*
NodeStatus capacity:{any} allocatable:{any} phase:str conditions:[NodeCondition]@type addresses:[NodeAddress]@type daemonEndpoints:DaemonEndpoints! nodeInfo:NodeSystemInfo! images:[any] volumesInUse:[str] volumesAttached:[any] config:any runtimeHandlers:[any] features:any declaredFeatures:[str]
NodeAddress type:str! address:str!
NodeCondition type:str! status:str! lastHeartbeatTime:time! lastTransitionTime:time! reason:str message:str
DaemonEndpoints kubeletEndpoint:DaemonEndpoint!
DaemonEndpoint Port:int!
NodeSystemInfo machineID:str! systemUUID:str! bootID:str! kernelVersion:str! osImage:str! containerRuntimeVersion:str! kubeletVersion:str! kubeProxyVersion:str! operatingSystem:str! architecture:str! swap:any
Namespace spec:NamespaceSpec! status:NamespaceStatus!
NamespaceSpec finalizers:[str]
NamespaceStatus phase:str conditions:[NamespaceCondition]@type
NamespaceCondition type:str! status:str! lastTransitionTime:time! reason:str message:str
Event involvedObject:ObjectReference! reason:str message:str source:EventSource! firstTimestamp:time! lastTimestamp:time! count:int type:str eventTime:microtime! series:EventSeries* action:str related:ObjectReference* reportingComponent:str! reportingInstance:str!
EventSource component:str host:str
EventSeries count:int lastObservedTime:microtime!
Secret immutable:bool* data:{bytes} stringData:{str} type:str
EndpointSlice addressType:str! endpoints:[Endpoint]! ports:[EndpointPort]!
Endpoint addresses:[str]! conditions:EndpointConditions! hostname:str* targetRef:ObjectReference* deprecatedTopology:{str} nodeName:str* zone:str* hints:EndpointHints*
EndpointConditions ready:bool* serving:bool* terminating:bool*
EndpointHints forZones:[any] forNodes:[any]
EndpointPort name:str* protocol:str* port:int* appProtocol:str*
Lease spec:LeaseSpec!
LeaseSpec holderIdentity:str* leaseDurationSeconds:int* acquireTime:microtime* renewTime:microtime* leaseTransitions:int* strategy:str* preferredHolder:str*
CustomResourceDefinition spec:CrdSpec! status:CrdStatus!
CrdSpec group:str! names:CrdNames! scope:str! versions:[CrdVersion]! conversion:any preserveUnknownFields:bool
CrdNames plural:str! singular:str shortNames:[str] kind:str! listKind:str categories:[str]
CrdVersion name:str! served:bool! storage:bool! deprecated:bool deprecationWarning:str* schema:any subresources:any additionalPrinterColumns:[CrdColumn] selectableFields:[any]
CrdColumn name:str! type:str! format:str description:str priority:int jsonPath:str!
CrdStatus conditions:[CrdCondition]! acceptedNames:CrdNames! storedVersions:[str]! observedGeneration:int
CrdCondition type:str! status:str! observedGeneration:int lastTransitionTime:time! reason:str message:str
"""  # noqa: E501  (one struct per line is what makes the table readable)


@dataclass(frozen=True, slots=True)
class Field:
    type: str
    shape: str = "one"  # one, list or map
    pointer: bool = False
    always: bool = False
    merge_key: str | None = None  # "" = a set of scalars


Struct = dict[str, Field]


def _field(text: str) -> Field:
    body, _, merge = text.partition("@")
    pointer, always = body.endswith("*"), body.endswith("!")
    body = body.rstrip("*!")
    shape = {"[": "list", "{": "map"}.get(body[0], "one")
    key = merge.rstrip("!") if "@" in text else None
    return Field(body.strip("[]{}"), shape, pointer, always, key)


STRUCTS: Final[dict[str, Struct]] = {
    line.split()[0]: {
        name: _field(text) for name, text in (word.split(":") for word in line.split()[1:])
    }
    for line in TEXT.strip().splitlines()
}
TOP: Final[Struct] = {
    "kind": Field("str"),
    "apiVersion": Field("str"),
    "metadata": Field("ObjectMeta", always=True),
}
ZERO: Final[dict[str, Any]] = {"str": "", "int": 0, "bool": False, "time": None, "microtime": None}
GO: Final = {"str": "string", "int": "int32", "bool": "bool", "list": "[]", "map": "map"}


class Decoder:
    """Decode one built-in object as Go would; collects the paths of unknown fields."""

    def __init__(self, kind: str, version: str) -> None:
        self._kind, self._version = kind, version
        self.unknown: list[str] = []

    def top(self, obj: dict[str, Any]) -> dict[str, Any]:
        """Return *obj* normalised: nulls and empties gone, unknown fields dropped.

        Raises:
            ApiError: 400, a value has the wrong JSON type.
        """
        return self.struct(obj, TOP | STRUCTS[self._kind], "")

    def metadata(self, value: Any) -> dict[str, Any]:
        out: dict[str, Any] = self._value(value, Field("ObjectMeta"), "metadata")
        return out

    def struct(self, value: Any, struct: Struct, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._mismatch(value, "object", path)
        dot = f"{path}." if path else ""
        out: dict[str, Any] = {}
        for name, spec in struct.items():
            given = value.get(name)
            if given is None:
                if spec.always:
                    out[name] = self._zero(spec, f"{dot}{name}")
                continue
            decoded = self._shaped(given, spec, f"{dot}{name}")
            if decoded or spec.always or spec.pointer:
                out[name] = decoded
        self.unknown += [f"{dot}{name}" for name in value if name not in struct]
        return out

    def _zero(self, spec: Field, path: str) -> Any:
        if spec.shape != "one":
            return None
        if spec.type in STRUCTS:
            return self.struct({}, STRUCTS[spec.type], path)
        return ZERO[spec.type]

    def _shaped(self, value: Any, spec: Field, path: str) -> Any:
        if spec.shape == "list":
            if not isinstance(value, list):
                raise self._mismatch(value, "list", path)
            return [
                self._zero(Field(spec.type), path)
                if item is None and spec.type != "any"
                else self._value(item, spec, f"{path}[{n}]")
                for n, item in enumerate(value)
            ]
        if spec.shape == "map":
            if not isinstance(value, dict):
                raise self._mismatch(value, "map", path)
            return {
                k: ZERO.get(spec.type, "") if v is None else self._value(v, spec, f"{path}.{k}")
                for k, v in value.items()
            }
        return self._value(value, spec, path)

    def _value(self, value: Any, spec: Field, path: str) -> Any:
        if spec.type in STRUCTS:
            return self.struct(value, STRUCTS[spec.type], path)
        if spec.type == "any":
            return value
        if spec.type == "int":
            if isinstance(value, bool) or not isinstance(value, int):
                raise self._mismatch(value, "int", path)
        elif spec.type == "bool":
            if not isinstance(value, bool):
                raise self._mismatch(value, "bool", path)
        elif spec.type == "intstr":
            if isinstance(value, bool) or not isinstance(value, int | str):
                raise self._mismatch(value, "str", path)
        elif not isinstance(value, str):
            raise self._mismatch(value, "str", path)
        elif spec.type in ("time", "microtime"):
            return self._time(value, spec.type)
        return value

    def _time(self, text: str, precision: str) -> str:
        try:
            return normal_time(text, precision)
        except ValueError as error:
            what = f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": {error}'
            raise self._cannot(what) from error

    def _mismatch(self, value: Any, wanted: str, path: str) -> ApiError:
        got = {dict: "object", list: "array", str: "string", bool: "bool"}.get(
            type(value), "number"
        )
        bare = re.sub(r"\[\d+\]", "", path)
        field = f"Go struct field {self._kind}.{bare} of type {GO.get(wanted, wanted)}"
        return self._cannot(f"json: cannot unmarshal {got} into {field}")

    def _cannot(self, why: str) -> ApiError:
        what = f'{self._kind} in version "{self._version}"'
        return bad_request(f"{what} cannot be handled as a {self._kind}: {why}")


RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def normal_time(text: str, precision: str = "time") -> str:
    """Return an RFC 3339 time as Go's metav1.Time (seconds) or MicroTime prints it.

    Raises:
        ValueError: not RFC 3339.
    """
    match = RFC3339.fullmatch(text)
    if not match:
        raise ValueError(f'cannot parse "{text}"')
    day, clock, fraction, zone = match.groups()
    micros = ((fraction or ".")[1:] + "000000")[:6]
    zone = "+00:00" if zone in "Zz" else zone
    at = datetime.fromisoformat(f"{day}T{clock}.{micros}{zone}").astimezone(UTC)
    return at.strftime(
        "%Y-%m-%dT%H:%M:%S.%fZ" if precision == "microtime" else "%Y-%m-%dT%H:%M:%SZ"
    )
