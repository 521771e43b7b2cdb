"""The one program that decides: addresses, next hops, who answers ARP and NDP.

The root holds the picture and nothing else: `main` puts the program together, `reconcile` is
its loop, `snapshot` all that a plan may look at, `work` and `events` what a plan leaves to do
and to report, `ports` what an adapter must be able to do. The rooms have the rest.
"""
