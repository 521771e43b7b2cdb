"""Parts that die, freeze and lose each other under traffic; what that costs is counted."""
