"""Whether an Eip lets a Service use it: namespaces, namespaceSelector, serviceSelector.

All that are set must match. A Service that names the Eip is asked the same.
"""

from collections.abc import Mapping

from manager.snapshot import Service
from pointsman.api import EipSpec
from pointsman.model.names import NAMESPACE_NAME, SERVICE_NAME, SERVICE_NAMESPACE


def refuses(spec: EipSpec, service: Service, *, namespaces: Mapping[str, Mapping[str, str]]) -> str:
    """Return the field of *spec* that keeps *service* out, or "" when it is admitted.

    The two virtual labels are laid over the user's own, which therefore cannot spoof them.
    """
    if spec.namespaces and service.namespace not in spec.namespaces:
        return "spec.namespaces"
    virtual = {SERVICE_NAME: service.name, SERVICE_NAMESPACE: service.namespace}
    if spec.namespace_selector is not None:
        labels = namespaces.get(service.namespace, {NAMESPACE_NAME: service.namespace})
        if not spec.namespace_selector.matches({**labels, **virtual}):
            return "spec.namespaceSelector"
    if spec.service_selector is not None and not spec.service_selector.matches(
        {**service.labels, **virtual}
    ):
        return "spec.serviceSelector"
    return ""
