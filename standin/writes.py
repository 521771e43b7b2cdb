"""Creating, changing and deleting: the order in which the API server checks and does things.

Refuses server-side apply; leaves garbage collection by ownerReferences to nobody.
"""

from collections.abc import Callable

from standin.bodies import Caller, Patch, apply_patch, decode
from standin.grammar import meta
from standin.grammar.errors import (
    STALE,
    ApiError,
    FieldError,
    already_exists,
    bad_request,
    conflict,
    invalid,
    invalid_object,
    not_found,
    refused,
)
from standin.kinds import managed
from standin.kinds.kind import Kind, Object
from standin.store import Key, Record, Store, key_of, make_record

PERMANENT = ("default", "kube-system")  # namespaces nobody may delete


class Writer:
    """Every write goes through here; reads need only the store."""

    def __init__(self, store: Store, namespaces: Kind, kinds: Callable[[], list[Kind]]) -> None:
        self._store, self._namespaces, self._kinds = store, namespaces, kinds

    def create(self, kind: Kind, namespace: str, body: Object, *, caller: Caller) -> Record:
        """Raises:
        ApiError: 400, 403, 404 (namespace), 409 or 422.
        """
        new = decode(kind, body, caller)
        own = new["metadata"]
        if own.get("resourceVersion"):
            raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
        self._check_namespace(kind, namespace, own)
        meta.generate_name(own)
        meta.stamp_new(own, namespace)
        kind.rules.create(new)
        faults = meta.check_meta(own, kind.rules.name_rule) + kind.rules.validate(new, None)
        self._refuse(kind, own.get("name", ""), faults)
        name = own["name"]
        if (namespace, name) in self._store.table((kind.group, kind.plural)).records:
            raise already_exists(kind.group, kind.plural, name)
        kind.rules.allocate(new, None)
        managed.record(new, None, manager=caller.manager, subresource="")
        return self._commit(kind, new, None, caller)

    def update(
        self, kind: Kind, key: Key, body: Object, *, subresource: str, caller: Caller
    ) -> tuple[Record, bool]:
        """Return the record after a PUT, and whether it was created by it."""
        old = self._find(kind, key)
        if old is None:
            if not kind.create_on_update or subresource:
                raise not_found(kind.group, kind.plural, key[1])
            body.setdefault("metadata", {}).setdefault("name", key[1])
            return self.create(kind, key[0], body, caller=caller), True
        new = decode(kind, body, caller)
        own = new["metadata"]
        _same_name(own.get("name") or "", key[1])
        if not own.get("resourceVersion") and not kind.unconditional_update:
            fault = invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid_object(kind.group, kind.kind, key[1], [fault])
        return self._change(kind, old, new, subresource=subresource, caller=caller), False

    def patch(
        self, kind: Kind, key: Key, change: Patch, *, subresource: str, caller: Caller
    ) -> Record:
        old = self._find(kind, key)
        if old is None:
            raise not_found(kind.group, kind.plural, key[1])
        result = apply_patch(kind, old.obj, change)
        if not isinstance(result, dict) or not isinstance(result.get("metadata"), dict):
            raise bad_request("the patch does not leave an object")
        new = decode(kind, result, caller, patched=True)
        return self._change(kind, old, new, subresource=subresource, caller=caller)

    def delete(
        self, kind: Kind, key: Key, options: Object, *, caller: Caller
    ) -> tuple[Record, bool]:
        """Return the object, and whether it is gone; with finalizers it only starts to go."""
        old = self._find(kind, key)
        if old is None:
            raise not_found(kind.group, kind.plural, key[1])
        self._preconditions(kind, old, options.get("preconditions") or {})
        if kind is self._namespaces and key[1] in PERMANENT:
            why = "this namespace may not be deleted"
            raise refused(kind.group, kind.plural, key[1], why)
        if caller.dry_run:
            return old, True
        if kind is self._namespaces:
            return self._delete_namespace(old)
        return self._delete(kind, old)

    def remove(self, kind: Kind, key: Key) -> Record:
        """Take an object away at once, finalizers or not (its CRD or namespace is gone)."""
        table = self._store.table((kind.group, kind.plural))
        old = table.records[key].obj
        record = self._store.delete((kind.group, kind.plural), key)
        kind.rules.committed(None, old)
        self._sweep(key[0])
        return record

    # --- how it is done -------------------------------------------------------------------

    def _find(self, kind: Kind, key: Key) -> Record | None:
        return self._store.table((kind.group, kind.plural)).records.get(key)

    def _check_namespace(self, kind: Kind, namespace: str, own: Object) -> None:
        given = own.get("namespace")
        if not kind.namespaced:
            own.pop("namespace", None)
            return
        if given and given != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on "
                "the request"
            )
        home = self._find(self._namespaces, ("", namespace))
        if home is None:
            raise not_found("", "namespaces", namespace)
        if home.obj["status"].get("phase") == "Terminating":
            why = (
                f"unable to create new content in namespace {namespace} "
                "because it is being terminated"
            )
            raise refused(kind.group, kind.plural, own.get("name", ""), why)

    def _change(
        self, kind: Kind, old: Record, new: Object, *, subresource: str, caller: Caller
    ) -> Record:
        own, before = new["metadata"], old.obj["metadata"]
        name = before["name"]
        _same_name(own.get("name") or "", name)
        if own.get("namespace", "") not in ("", before.get("namespace", "")):
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on "
                "the request"
            )
        if own.get("resourceVersion", str(old.rv)) != str(old.rv):
            raise conflict(kind.group, kind.plural, name, STALE)
        self._preconditions(kind, old, {"uid": own.get("uid")})
        forgets = own.get("managedFields") == managed.FORGET and "managedFields" in before
        meta.keep_stamps(own, before)
        own.update({k: before[k] for k in ("name", "namespace") if k in before})
        if subresource:
            kind.rules.update_status(new, old.obj)
        else:
            kind.rules.update(new, old.obj)
        faults = meta.check_meta(new["metadata"], kind.rules.name_rule, old=before)
        check = kind.rules.validate_status if subresource else kind.rules.validate
        self._refuse(kind, name, faults + check(new, old.obj))
        if not subresource:
            kind.rules.allocate(new, old.obj)
        if _content(new) == _content(old.obj) and not forgets:
            return old  # nothing to write: no new version, no event
        known = _content(old.obj) if forgets else old.obj
        managed.record(new, known, manager=caller.manager, subresource=subresource)
        return self._commit(kind, new, old, caller)

    def _commit(self, kind: Kind, new: Object, old: Record | None, caller: Caller) -> Record:
        resource = (kind.group, kind.plural)
        if caller.dry_run:
            rv = {"resourceVersion": str(old.rv)} if old else {}
            return make_record(new | {"metadata": new["metadata"] | rv}, 0)
        own = new["metadata"]
        if old and "deletionTimestamp" in own and not own.get("finalizers"):
            # The last finalizer's removal is not written: watchers see the deletion alone.
            gone = self.remove(kind, key_of(new))
            return make_record(new | {"metadata": own | {"resourceVersion": str(gone.rv)}}, gone.rv)
        record = self._store.put(resource, new)
        kind.rules.committed(record.obj, old.obj if old else None)
        return record

    def _delete(self, kind: Kind, old: Record) -> tuple[Record, bool]:
        own = old.obj["metadata"]
        if not own.get("finalizers"):
            return self.remove(kind, key_of(old.obj)), True
        if "deletionTimestamp" in own:
            return old, False
        own = own | {"deletionTimestamp": meta.now(), "deletionGracePeriodSeconds": 0}
        if "generation" in own:
            own["generation"] += 1
        return self._store.put((kind.group, kind.plural), old.obj | {"metadata": own}), False

    def _delete_namespace(self, old: Record) -> tuple[Record, bool]:
        """Do what the namespace controller does: end what lives there, then the namespace."""
        name = old.obj["metadata"]["name"]
        if old.obj["status"]["phase"] != "Terminating":
            own = old.obj["metadata"] | {"deletionTimestamp": meta.now()}
            going = {"metadata": own, "status": {"phase": "Terminating"}}
            old = self._store.put(("", "namespaces"), old.obj | going)
        for kind in self._kinds():
            if kind.namespaced:
                for record in self._store.table((kind.group, kind.plural)).items(name):
                    self._delete(kind, record)
        self._sweep(name)
        return old, False

    def _sweep(self, namespace: str) -> None:
        home = self._store.table(("", "namespaces")).records.get(("", namespace))
        if home is None or home.obj["status"].get("phase") != "Terminating":
            return
        kinds = [k for k in self._kinds() if k.namespaced]
        if any(self._store.table((k.group, k.plural)).items(namespace) for k in kinds):
            return
        if not home.obj["metadata"].get("finalizers"):
            self._store.delete(("", "namespaces"), ("", namespace))

    def _preconditions(self, kind: Kind, old: Record, wanted: Object) -> None:
        own = old.obj["metadata"]
        for name, title in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            if wanted.get(name) and wanted[name] != own[name]:
                why = (
                    f"Precondition failed: {title} in precondition: {wanted[name]}, "
                    f"{title} in object meta: {own[name]}"
                )
                raise conflict(kind.group, kind.plural, own["name"], why)

    def _refuse(self, kind: Kind, name: str, faults: list[FieldError]) -> None:
        if faults:
            raise invalid_object(kind.group, kind.kind, name, faults)


def _same_name(given: str, expected: str) -> None:
    if given != expected:
        raise bad_request(
            f"the name of the object ({given}) does not match the name on the URL ({expected})"
        )


def _content(obj: Object) -> Object:
    skipped = ("managedFields", "resourceVersion")
    own = {k: v for k, v in obj["metadata"].items() if k not in skipped}
    return obj | {"metadata": own}
