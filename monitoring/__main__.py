"""`python -m monitoring --write|--check`: the files of deploy/monitoring, made or compared.

The chart has its own copy of those that it brings: a template reads files of its chart alone.
"""

import argparse
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from monitoring import dashboard, rules, scraping

ROOT: Final = Path(__file__).resolve().parent.parent
PLACE: Final = ROOT / "deploy" / "monitoring"
FILES: Final[Mapping[str, Callable[[], str]]] = {
    "alerts.yaml": rules.rules_file,
    "prometheusrule.yaml": rules.prometheus_rule,
    "prometheus.yaml": scraping.prometheus_file,
    "podmonitors.yaml": scraping.pod_monitors,
    "dashboard.json": dashboard.dashboard_file,
}
CHART: Final = ROOT / "deploy" / "chart" / "files" / "monitoring"
PLACES: Final[Mapping[Path, Collection[str]]] = {
    PLACE: FILES.keys(),
    CHART: ("podmonitors.yaml", "prometheusrule.yaml"),
}


def stale(place: Path, names: Collection[str] = FILES.keys()) -> list[str]:
    """Return the files in *place* that are missing, or are not what they would be now; sorted."""
    return sorted(
        name
        for name in names
        if not (place / name).exists() or (place / name).read_text() != FILES[name]()
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m monitoring", description=__doc__)
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--write", action="store_true", help="make them")
    way.add_argument("--check", action="store_true", help="exit status 1 if one is not fresh")
    given = parser.parse_args()
    if given.write:
        for place, names in PLACES.items():
            for name in names:
                (place / name).write_text(FILES[name]())
        return 0
    found = [place / name for place, names in PLACES.items() for name in stale(place, names)]
    for path in found:
        print(f"{path.relative_to(ROOT)} is not fresh: run `make update`.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
