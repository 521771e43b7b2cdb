"""Beds: labs, which are network namespaces on this machine, unless the run names another kind.

The one place where tests build them. `pytest --bed docker` builds them of containers; `--bed
FOLDER` uses the containerlab topology in FOLDER, which its user has deployed.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from e2e.bed import Bed, Misuse
from lab import parts
from lab.handle import Lab
from lab.network.topology import RouterKind
from lab.options import Options
from lab.routers import other_versions
from lab.routers.roles import roles
from lab.supervision import lifecycle

# A folder with routers of another version, as `lab up --parts` takes it: `make routers` sets it.
ROUTERS = "POINTSMAN_ROUTERS"
NUMBERS = itertools.count(1)
KIND = "POINTSMAN_BED"  # what --bed says, for workers too
LAB, DOCKER = "lab", "docker"


def fresh() -> str:
    """Return a name that no other run uses, and none of this one."""
    return f"r{os.getpid()}-{next(NUMBERS)}"


def names() -> Iterator[Callable[[], str]]:
    """Yield `fresh`; whatever is up under a name that it gave goes afterwards. For a fixture."""
    given: list[str] = []

    def name() -> str:
        given.append(fresh())
        return given[-1]

    yield name
    for one in given:
        clear(one)


@contextmanager
def standing(options: Options) -> Iterator[Bed]:
    """Yield the bed that *options* describe; nothing of it is left afterwards.

    Another kind than labs skips the test where it lacks what *options* ask for.
    """
    if (kind := os.environ.get(KIND, LAB)) != LAB:
        with other_bed(kind, options) as other:
            yield other
        return
    try:
        with Lab.up(with_named_routers(options), attached=True) as lab:
            bed: Bed = lab  # here the type checker proves that a lab has every verb of a bed
            yield bed
    finally:
        clear(options.name)


def with_named_routers(options: Options) -> Options:
    """Return *options* with the routers that the environment names, where it has their kind."""
    kinds = {role.kind for role in roles(options.topology())}
    if options.parts or not any(named_router(kind) for kind in kinds):
        return options
    return replace(options, parts=str(Path(os.environ[ROUTERS]).resolve()))


def named_router(kind: RouterKind) -> parts.Part | None:
    """Return the router of *kind* that the environment names; None: it has none."""
    folder = os.environ.get(ROUTERS)
    return other_versions.find(Path(folder).resolve(), kind) if folder else None


def router_part(kind: RouterKind) -> parts.Part:
    """Return the router of *kind* that this run's labs have."""
    program = "zebra" if kind is RouterKind.FRR else ""
    return named_router(kind) or parts.find(kind.value, program=program)


def router_release(kind: RouterKind) -> str:
    """Return the version of what `router_part` returns; on another bed, of its image's router."""
    if os.environ.get(KIND, LAB) != LAB:
        from e2e.containers import daemon

        return daemon.release(kind)
    return other_versions.version(router_part(kind))


def router_series(kind: RouterKind) -> str:
    """Return its name and version, as far as behaviour hangs on it."""
    return f"{other_versions.NAME[kind]} {'.'.join(router_release(kind).split('.')[:2])}"


def other_bed(kind: str, options: Options) -> AbstractContextManager[Bed]:
    # Imported only then: they need Docker's library, which takes a second, and a lab doesn't.
    if kind == DOCKER:
        from e2e.containers import bed as docker_bed

        return docker_bed.standing(options)
    if not (Path(kind) / "topology.clab.yml").is_file():
        raise Misuse(
            f"--bed {kind!r} is no bed: use {LAB}, {DOCKER} or a folder of e2e/topologies."
        )
    from e2e.topologies import bed as kind_bed

    return kind_bed.standing(Path(kind), options)


def clear(name: str) -> None:
    """Remove whatever is up under *name*; nothing is fine."""
    if lifecycle.traces(name):
        lifecycle.down(name)
