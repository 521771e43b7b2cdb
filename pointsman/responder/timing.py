"""The times of the responder, in seconds, each with its source or reason."""

from typing import Final

# Announcing. ARP: 1.1 s lets a client's locktime of 1 s pass, 0.2 s a lost frame be repaired
# within it. NDP: at most MAX_NEIGHBOR_ADVERTISEMENT of 3, RETRANS_TIMER of 1 s apart
# (RFC 4861 sections 7.2.6 and 10).
ARP_ROUNDS_S: Final = (0.0, 0.2, 1.1, 2.2, 4.4)
NDP_ROUNDS_S: Final = (0.0, 1.1, 2.2)
# A switch forgets a MAC after 300 s (IEEE 802.1D), a router an ARP entry after 1,200 s or more.
KEEPALIVE_S: Final = 120.0
REPEAT_S: Final = 600.0
REPEAT_SHARE: Final = 10  # repeats take a tenth of the rate at most
REPEAT_TICK_S: Final = 1.0  # several addresses a wake, not a wake for each

# Asking the gateways as an address that was taken over: as often as a host asks for a neighbor
# (MAX_UNICAST_SOLICIT, RFC 4861 section 10), over a locktime of 1 s.
ASKS: Final = 3
ASK_GAP_S: Final = 1.1

# Probing. RFC 5227 section 1.1 has PROBE_NUM 3 and seconds between; in a switched network an
# answer comes within a millisecond. RFC 4862 has one second in all, too.
PROBES: Final = 3
PROBE_GAP_S: Final = 0.2
PROBE_WAIT_S: Final = 0.4  # after the last
UNHEARD_S: Final = 35.0  # the slowest spanning tree forwards after 30 s
IN_USE_RETRY_S: Final = 60.0  # RFC 5227 section 2.1.1: RATE_LIMIT_INTERVAL

# Foreign claims.
DEFEND_INTERVAL_S: Final = 10.0  # RFC 5227 section 1.1
SILENCE_INTERVAL_S: Final = 10.0
LOOK_PATIENCE_S: Final = 3.0  # nobody looked: as if cut off
LOOK_AGAIN_S: Final = 10.0
CONTEST_FIRST_S: Final = 5.0  # a contest begins within this time, by chance …
CONTEST_LAST_S: Final = 60.0  # … which doubles up to this
CONTEST_CLEAR_S: Final = 1.5  # longer than somebody else's three probes
CLAIM_FORGOTTEN_S: Final = 300.0
FORMER_MAC_S: Final = 30.0  # frames under way from before a MAC change are our own
