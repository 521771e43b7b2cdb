"""Configurations and accounts as text; that real FRR and BIRD accept them is test_real."""

from pathlib import Path

from lab import bird, frr
from lab.parts import Part
from lab.topology import Topology, owns

PASSWD = "root:x:0:0::/root:/bin/sh\nnine:x:989:989::/:/bin/sh\n"
GROUP = "root:x:0:\nnine:x:989:\n"


def test_frr_gets_a_user_that_is_nobody_else() -> None:
    passwd, group, uid = frr.accounts(PASSWD, GROUP)
    assert uid not in (0, 989)
    assert f"frr:x:{uid}:{uid}:" in passwd
    assert f"frr:x:{uid}:frr" in group
    numbers = [line.split(":")[2] for line in group.splitlines()]
    assert len(set(numbers)) == len(numbers) == 4


def test_frr_of_the_host_is_taken_as_it_is() -> None:
    passwd = PASSWD + "frr:x:120:130::/nonexistent:/usr/sbin/nologin\n"
    group = GROUP + "frr:x:130:\nfrrvty:x:131:frr\n"
    assert frr.accounts(passwd, group) == (passwd, group, 120)


def test_each_manager_is_a_neighbor_in_both_families() -> None:
    text = frr.configuration(Topology(manager_count=2))
    for neighbor in ("192.0.2.10", "192.0.2.9", "2001:db8:2::10", "2001:db8:2::9"):
        assert text.count(f"neighbor {neighbor} remote-as 64501") == 1
        assert text.count(f"neighbor {neighbor} activate") == 2
    assert "no bgp ebgp-requires-policy" in text


def test_each_manager_is_a_protocol_of_bird_with_add_path() -> None:
    text = bird.configuration(Topology(manager_count=2))
    for neighbor in ("192.0.2.10", "192.0.2.9", "2001:db8:2::10", "2001:db8:2::9"):
        assert text.count(f"neighbor {neighbor} as 64501;") == 1
    assert text.count("add paths rx") == 8
    assert text.count("merge paths yes limit 64") == 2
    assert "protocol direct" in text


def test_vtysh_finds_the_lab_and_not_the_host() -> None:
    router = frr.Frr(Part(Path("/none"), Path("/none/zebra")), Path("/run/x"))
    script = router.vtysh()
    assert "--vty_socket /run/x" in script
    assert "mount --bind /run/x/passwd /etc/passwd" in script


def test_the_second_router_is_another_as_at_another_address() -> None:
    text = bird.configuration(Topology(router_count=2), second=True)
    assert "local 192.0.2.2 as 64502;" in text
    assert "local 2001:db8:2::2 as 64502;" in text
    assert "64500" not in text


def test_a_lab_of_two_routers_owns_both_and_no_third() -> None:
    lab = Topology(name="a", router_count=2)
    assert "router2" in set(lab.machines())
    assert owns("a", lab.namespace("router2"))
    assert not owns("a", "pm-a-router3")
    assert "router2" not in set(Topology(name="a").machines())
