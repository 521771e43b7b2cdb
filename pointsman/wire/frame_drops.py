"""Why a frame from the link counts for nothing: what codecs and the responder name it."""

from enum import StrEnum


class FrameDrop(StrEnum):
    """The values are what ``l2_dropped_total{reason}`` is labelled with."""

    SHORT = "short"  # ends before its fields do
    FOREIGN = "foreign"  # no ARP over Ethernet for IPv4, no NDP of the two kinds
    TAGGED = "tagged"  # of a VLAN: it was not sent to this link
    MALFORMED = "malformed"  # a field holds what none may hold
    HOP_LIMIT = "hop_limit"  # a router passed it on: its sender is not on the link
    CHECKSUM = "checksum"
    OPTION = "option"  # of no length, longer than the message, or not as long as its kind
    SENDER = "sender"  # nobody can be there: a group, a loopback, nothing at all
    TARGET = "target"  # no address of one interface
    RECEIVER = "receiver"  # sent to an IPv6 address that such a message is not sent to
    DESTINATION = "destination"  # of Ethernet: neither to us nor to a group that we are in
    OWN = "own"  # we sent it, and the link gave it back
    NOT_OURS = "not_ours"  # about an address that we do not answer for
    NO_QUESTION = "no_question"  # an answer to somebody, and no claim to what is ours
    LIMITED = "limited"  # its sender asks more often than anybody needs to
