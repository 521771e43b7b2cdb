"""The settings of ARP: from files, and from a kernel that answers by them."""

from pathlib import Path

import pytest

from agent.adapters.arp_sysctls import arp_rules
from agent.snapshot import ArpRules
from lab.network import netns


def written(conf: Path, name: str, ignore: str, announce: str) -> None:
    (conf / name).mkdir()
    (conf / name / "arp_ignore").write_text(ignore)
    (conf / name / "arp_announce").write_text(announce)


def test_of_both_places_the_larger_number_is_in_force(tmp_path: Path) -> None:
    written(tmp_path, "all", "1\n", "0\n")
    written(tmp_path, "eth0", "0\n", "2\n")
    written(tmp_path, "eth0.7", "2\n", "1\n")
    assert arp_rules(["eth0", "eth0.7"], tmp_path) == {
        "eth0": ArpRules(1, 2),
        "eth0.7": ArpRules(2, 1),
    }


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    assert arp_rules(["eth0"], tmp_path) == {}
    written(tmp_path, "all", "1\n", "0\n")
    written(tmp_path, "odd", "much\n", "0\n")
    assert arp_rules(["gone", "odd"], tmp_path) == {}


@pytest.mark.lab
def test_they_are_those_of_the_namespace_that_reads() -> None:
    name = f"arp-sysctls-{id(object())}"
    netns.ip(f"netns add {name}")
    try:
        netns.ip("link add lan0 type veth peer name lan1", namespace=name)
        netns.sysctl(
            name, {"net.ipv4.conf.all.arp_ignore": 1, "net.ipv4.conf.lan0.arp_announce": 2}
        )
        with netns.entered(name):
            assert arp_rules(["lan0", "lan1"]) == {"lan0": ArpRules(1, 2), "lan1": ArpRules(1, 0)}
    finally:
        netns.remove([name])
