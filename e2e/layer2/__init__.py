"""Layer2 with real packets, judged by other people's tools alone: arping, ndisc6, tcpdump, ip."""
