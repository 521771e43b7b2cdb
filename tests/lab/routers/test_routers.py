"""Configurations and accounts as text; that real FRR and BIRD accept them is test_real."""

from pathlib import Path

from lab.network.topology import RouterKind, Topology, owns
from lab.parts import Part
from lab.routers import bird, frr
from lab.routers.roles import roles

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
    text = frr.configuration(*roles(Topology(manager_count=2)))
    for neighbor in ("192.0.2.10", "192.0.2.9", "2001:db8:2::10", "2001:db8:2::9"):
        assert text.count(f"neighbor {neighbor} remote-as 64501") == 1
        assert text.count(f"neighbor {neighbor} activate") == 2
    assert "no bgp ebgp-requires-policy" in text


def test_each_manager_is_a_protocol_of_bird_with_add_path() -> None:
    text = bird.configuration(*roles(Topology(manager_count=2)))
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
    text = bird.configuration(roles(Topology(router_count=2))[1])
    assert "local 192.0.2.2 as 64502;" in text
    assert "local 2001:db8:2::2 as 64502;" in text
    assert "64500" not in text


def test_a_lab_of_two_routers_owns_both_and_no_third() -> None:
    lab = Topology(name="a", router_count=2)
    assert "router2" in set(lab.machines())
    assert owns("a", lab.namespace("router2"))
    assert not owns("a", "pm-a-router3")
    assert "router2" not in set(Topology(name="a").machines())


def test_the_routers_of_two_racks_speak_with_the_spine_and_each_with_the_managers() -> None:
    spine, tor1, tor2 = roles(Topology(rack_count=2))
    assert (spine.kind, tor1.kind, tor2.kind) == ("frr", "frr", "bird")
    text = frr.configuration(spine)
    assert "router bgp 64510\n" in text
    assert "as-path multipath-relax" in text  # the racks are two neighbor AS
    assert "64501" not in text  # no manager
    for neighbor, asn in (("192.0.2.134", 64500), ("2001:db8:2f2::2", 64502)):
        assert text.count(f"neighbor {neighbor} remote-as {asn}\n") == 1
        assert text.count(f"neighbor {neighbor} activate") == 1
    near, far = frr.configuration(tor1), bird.configuration(tor2)
    assert "neighbor 192.0.2.133 remote-as 64510\n" in near
    assert "multihop" not in near.replace("multipath", "")
    assert "local 192.0.2.201 as 64502;\n  neighbor 192.0.2.10 as 64501;" in far
    assert far.count("multihop 3;") == 2
    assert far.count("export where source = RTS_BGP; next hop self;") == 2
    assert far.count("learn;") == 2


def test_the_other_kind_on_top_of_the_first_rack() -> None:
    kinds = [role.kind for role in roles(Topology(rack_count=2, router=RouterKind.BIRD))]
    assert kinds == ["frr", "bird", "frr"]
    assert "ebgp-multihop 3" in frr.configuration(
        roles(Topology(rack_count=2, router=RouterKind.BIRD))[2]
    )
