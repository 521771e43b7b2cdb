"""Whether a router may be an FRR that keeps paths it should have forgotten.

At the end of a graceful restart (RFC 4724) such an FRR removes one path of a prefix that was
not announced again and keeps the others (ADD-PATH, RFC 7911): seen with 8.4.4, read in the
sources of the others. It guesses from what a session learns; nobody is asked.
"""

import re
from typing import Final

from pointsman.model.route import SessionReport

# Of each series the first release without the fault; every series from 10.2 on is without.
FIXED: Final = {(9, 0): 5, (9, 1): 3, (10, 0): 3, (10, 1): 2}
FIRST_WITHOUT: Final = (10, 2)


def may_keep_stale(report: SessionReport) -> bool:
    """Whether the router of *report* may have the fault.

    FRR tells its host name by default, and its version only where it is asked to; another
    router that tells its host name is suspected wrongly.
    """
    if not report.software:
        return report.host_named
    found = re.match(r"FRRouting/(\d+)\.(\d+)(?:\.(\d+))?", report.software)
    if found is None:
        return False
    series, patch = (int(found[1]), int(found[2])), int(found[3] or 0)
    if series in FIXED:
        return patch < FIXED[series]
    return series < FIRST_WITHOUT
