"""The judgement's numbers, each with its reason. Seconds, or heartbeat intervals where it says so.

At 100 ms a node that dies is suspect after 0.3 s and dead after 0.5 s: three connections 60 ms
apart and the wait for the last answer fit between the two.
"""

from typing import Final

SUSPECT_INTERVALS: Final = 3  # two heartbeats lost in a row are nothing yet
DEAD_INTERVALS: Final = 5
UNWITNESSED_INTERVALS: Final = 10  # where no port of the node ever answered a probe

# A round is ATTEMPTS connections, ATTEMPT_GAP_S apart (pointsman.model.liveness).
ANSWER_S: Final = 0.08  # after the last connection, for its answer
QUICK_ATTEMPTS: Final = 6  # then further ones are made more slowly
QUICK_ASKS: Final = 3  # of others: before the verdict, since their answers get lost as well
ROUND_AGAIN_S: Final = 0.25  # after a round while the agent is silent and the verdict open
ROUND_STEADY_S: Final = 1.0  # the same, once it is settled that the agent alone is silent

ANSWERING_S: Final = 2.5  # answers so far apart are one run of them
STEADY_ANSWER_S: Final = 0.5  # of such a run, before it says anything

HEALTH_PROBE_S: Final = 14.0  # in health: two fit into the time for which an answer counts
HEALTH_RETRY_S: Final = 3.0
HEALTH_TRIES: Final = 3  # a port that is filtered is not asked all the time
ANSWER_COUNTS_S: Final = 30.0  # a port is a witness if it answered so lately before the silence

AGENT_SILENT_S: Final = 3.0
HELLO_AGAIN_S: Final = 1.0
MUTE_HELLOS: Final = 3  # in a row: a starved kubelet is late, a hung one never comes
DEAD_PROBE_S: Final = 2.0  # a dead node that comes back without its agent

STEADY_S: Final = 3.0  # heard so long, and it is back
STEADY_MOST_S: Final = 60.0
CALM_S: Final = 600.0  # without a flap, and the next return takes STEADY_S again

GRACE_S: Final = 2.0  # after start or taking over, no verdict turns for the worse
VETOES_MOST_S: Final = 2.0  # a socket that overflows all the time is no excuse for ever
TOGETHER_S: Final = 1.0  # silences that begin within it belong together
OTHERS_COUNT_INTERVALS: Final = 5  # for so long what another replica heard is life

FALLING_INTERVALS: Final = 1.75  # longer than any healthy pause: it may be about to fall silent
HEARD_INTERVALS: Final = 2  # an agent heard so lately may be asked about others
STEP_S: Final = 0.02  # how often a suspect is looked at
STEP_INTERVALS: Final = 0.1  # and where heartbeats are slow
STEADY_STEP_S: Final = 0.25  # and one whose verdict stands
NO_ANSWER_S: Final = 2.0  # who was asked and says nothing for so long is not waited for

SCAN_S: Final = 2e-5  # for each agent of a domain, between two counts: they cost a hundredth of it
# Of one tick, so that the death of half a cluster stays a stream and is no burst.
PROBES_MOST: Final = 256
ASKS_MOST: Final = 64
LATER_S: Final = 0.02
