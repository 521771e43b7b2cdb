"""The topologies' nodes do what their files say, one by one: asked of the programs in the image.

Without containerlab there are no cables between them: behind each port nobody answers.
"""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from e2e.containers import daemon, removal
from e2e.topologies import files

pytestmark = pytest.mark.docker

FOLDER = Path(__file__).resolve().parent.parent / "topologies"
FRR = sorted(FOLDER.glob("*/*/frr.conf"))
BIRD = sorted(FOLDER.glob("*/*/bird.conf"))
NODES = [
    pytest.param(path.parent, name, id=f"{path.parent.name}/{name}")
    for path in sorted(FOLDER.glob(f"*/{files.CLAB}"))
    for name, node in files.read_clab(path.parent).topology.nodes.items()
    if node.exec
]
# As containerlab: ports that are up, then each line, as `docker exec` would run it.
DEPLOY = """
for port in $PORTS; do
  ip link add $port type veth peer name far-$port; ip link set $port up; ip link set far-$port up
done
for line; do sh -c "$line" </dev/null || { echo "it fails: $line"; exit 1; }; done
"""
IPV6 = {f"net.ipv6.conf.{which}.disable_ipv6": "0" for which in ("all", "default")}


@pytest.fixture(scope="module", autouse=True)
def there() -> None:
    if why := daemon.absent():
        pytest.skip(why)


def run(
    *command: str,
    binds: dict[Path, str],
    sysctls: dict[str, str] | None = None,
    environment: dict[str, str] | None = None,
) -> tuple[int, str]:
    """Return how *command* ended in a container of its own, and what it printed."""
    client = docker.from_env()
    volumes = {str(file): {"bind": place, "mode": "ro"} for file, place in binds.items()}
    container = client.containers.run(
        daemon.IMAGE,
        list(command),
        detach=True,
        network_mode="none",
        cap_add=["NET_ADMIN", "NET_RAW", "SYS_ADMIN"],
        volumes=volumes,
        sysctls=IPV6 | (sysctls or {}),
        environment=environment or {},
        labels={removal.LABEL: "files"},
    )
    try:
        status = container.wait(timeout=120)["StatusCode"]
        return status, container.logs().decode()
    finally:
        container.remove(force=True)
        client.close()


def bound(folder: Path, node: files.ClabNode) -> dict[Path, str]:
    return {folder / bind.split(":")[0]: bind.split(":")[1] for bind in node.binds}


@pytest.mark.parametrize(("folder", "name"), NODES)
def test_every_line_that_a_node_executes_succeeds(folder: Path, name: str) -> None:
    clab = files.read_clab(folder)
    node = clab.topology.nodes[name]
    ends = [end.split(":") for link in clab.topology.links for end in link.endpoints]
    status, printed = run(
        *("sh", "-ec", DEPLOY, "sh", *node.exec),
        binds=bound(folder, node),
        sysctls={key: str(value) for key, value in node.sysctls.items()},
        environment={"PORTS": " ".join(port for owner, port in ends if owner == name)},
    )
    assert status == 0, printed


@pytest.mark.parametrize("file", BIRD, ids=lambda file: str(file.relative_to(FOLDER)))
def test_bird_takes_it(file: Path) -> None:
    status, printed = run("bird", "-p", "-c", "/bird.conf", binds={file: "/bird.conf"})
    assert status == 0, printed


@pytest.mark.parametrize("file", FRR, ids=lambda file: str(file.relative_to(FOLDER)))
def test_frr_starts_as_the_topology_says_and_has_all_its_neighbors(file: Path) -> None:
    """By the very line of the topology, with the files where it binds them."""
    clab = files.read_clab(file.parent.parent)
    node = clab.topology.nodes[file.parent.name]
    binds = bound(file.parent.parent, node)
    start = next(line for line in node.exec if "frr" in line)
    # What it read comes a moment after the daemons listen.
    script = f"""{start} >/dev/null
    for look in 1 2 3 4 5 6 7 8 9 10; do
      vtysh -c 'show running-config' > /tmp/running
      grep -q '^router bgp' /tmp/running && break; sleep 1
    done
    cat /tmp/running"""
    status, printed = run("sh", "-c", script, binds=binds)
    assert status == 0, printed
    for line in file.read_text().splitlines():
        if " neighbor " in line and "remote-as" in line:
            assert line.strip() in printed, printed
    assert "Unknown command" not in printed
