"""Which nodes are alive, judged from heartbeats and probes; see judgement.py."""
