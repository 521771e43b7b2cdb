"""BGP communities as users write them: numbers, well-known names, or names of their own.

Here a spelling is checked; what an alias stands for is the BgpConf's to say, and whether
it exists the planner's to find out.
"""

import re
from typing import Annotated, Final

from pydantic import Field

from pointsman.api.base import Rule
from pointsman.model.community import WELL_KNOWN, community_number, large_community_numbers

NAME: Final = "^[a-z]([-a-z0-9]*[a-z0-9])?$"
_NAMES: Final = ", ".join(f"'{name}'" for name in sorted(WELL_KNOWN))
_NUMBERS: Final = (
    "(self.matches('^[0-9]{1,5}:[0-9]{1,5}$')"
    " && self.split(':').all(part, int(part) <= 65535))"
    " || (self.matches('^[0-9]{1,10}:[0-9]{1,10}:[0-9]{1,10}$')"
    " && self.split(':').all(part, int(part) <= 4294967295))"
)


def _is_number(text: str) -> bool:
    read = large_community_numbers if text.count(":") == 2 else community_number
    try:
        read(text)
    except ValueError:
        return False
    return True


def is_name(text: str) -> bool:
    """Whether *text* can name a community: lower-case letters, digits and dashes."""
    return re.fullmatch(NAME[1:-1], text, re.ASCII) is not None


IS_COMMUNITY = Rule(
    cel=f"self.matches('{NAME}') || {_NUMBERS}",
    holds=lambda text: is_name(text) or _is_number(text),
    words='"{self}" is no community: write 65000:100 (numbers up to 65535), 65000:1:2 (large, '
    "numbers up to 4294967295), a well-known name such as no-export, or a name from "
    "communityAliases of the BgpConf",
)
IS_ORIGINAL = Rule(
    cel=f"self in [{_NAMES}] || {_NUMBERS}",
    holds=_is_number,
    words='"{self}" is no community: write 65000:100 (numbers up to 65535), 65000:1:2 (large, '
    "numbers up to 4294967295) or a well-known name such as no-export",
)
ARE_NAMES = Rule(
    cel=f"self.all(name, name.size() <= 63 && name.matches('{NAME}') && !(name in [{_NAMES}]))",
    holds=lambda aliases: all(
        len(name) <= 63 and is_name(name) and name not in WELL_KNOWN for name in aliases
    ),
    words="an alias has lower-case letters, digits and dashes, at most 63 of them, begins with a "
    "letter, and is not a well-known name such as no-export",
)

Community = Annotated[str, Field(max_length=63), IS_COMMUNITY]
OriginalCommunity = Annotated[str, Field(max_length=32), IS_ORIGINAL]
