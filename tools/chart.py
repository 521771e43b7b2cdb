"""`make chart`: build helm, lint and pack the Helm chart, and render the plain manifests from it.

The files in `deploy/` are a rendering of `deploy/chart`, committed, so that who uses kubectl or
kustomize needs no helm. Each notes of what it was made; `--check` compares that and needs
neither helm nor Go. The CRDs are not in it: `pointsman crds` writes them, here as there. What a
rendering says is judged by `tests/deploy`.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pointsman.model.names import NAMESPACE
from pointsman.runtime.errors import Failed
from tools import setup
from tools.children import run, spoken

DEPLOY: Final = setup.ROOT / "deploy"
CHART: Final = DEPLOY / "chart"
GO_BIN: Final = setup.BUILD / "go" / "bin"
HELM: Final = "helm.sh/helm/v3/cmd/helm@v3.22.0"
PACKAGE: Final = setup.BUILD / "chart"
OLDEST: Final = "1.31.0"  # the oldest Kubernetes that we serve
# The manifests that are always there, and those that are an option, by template.
PLAIN: Final = ("00-namespace", "10-rbac", "15-admission", "20-manager", "30-agent")
OPTIONS: Final = ("mark-dead-nodes", "passwords")
NOTE: Final = "# Made by `make chart` from deploy/chart: change that. (inputs {}, text {})"
NOTED: Final = re.compile(re.escape(NOTE).replace(r"\{\}", "([0-9a-f]{12})") + "\n")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def inputs(chart: Path = CHART) -> str:
    """Return the digest of all that decides what the plain manifests say."""
    files = [chart / "Chart.yaml", chart / "values.yaml", *chart.glob("ci/plain*.yaml")]
    files += [*chart.glob("templates/*.yaml"), *chart.glob("templates/*.tpl")]
    return digest("\n".join(f"{file.name} {digest(file.read_text())}" for file in sorted(files)))


def noted(text: str, made_of: str) -> str:
    """Return *text* below the line that `--check` looks for."""
    return NOTE.format(made_of, digest(text)) + "\n" + text


def manifests(deploy: Path = DEPLOY) -> dict[Path, str]:
    """Return the plain manifests, each with the name of the template that makes it."""
    made = {deploy / f"{name}.yaml": name for name in PLAIN}
    return made | {deploy / "options" / f"{name}.yaml": name for name in OPTIONS}


def stale(deploy: Path = DEPLOY) -> list[str]:
    """Return a sentence for each plain manifest that the chart, as it is, did not make."""
    wanted, found = inputs(deploy / "chart"), []
    for path in manifests(deploy):
        text = path.read_text() if path.is_file() else ""
        note = NOTED.match(text)
        name = path.relative_to(deploy.parent)
        if note is None:
            found.append(f"{name} is missing, or not made from the chart")
        elif note[2] != digest(text[note.end() :]):
            found.append(f"{name} was edited by hand")
        elif note[1] != wanted:
            found.append(f"{name} is older than the chart")
    return found


def helm(*words: str | Path) -> str:
    """Return what helm prints; nothing on this machine tells it of a cluster or of plugins.

    Raises:
        Failed: helm refused; the sentence has its words.
    """
    home = setup.BUILD / "helm"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "KUBECONFIG": str(home / "none")}
    command = [str(GO_BIN / "helm"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise Failed(f"`helm {' '.join(command[1:])}` failed: {done.stderr}{done.stdout}")
    return done.stdout


def has_helm() -> bool:
    """Return whether `build/go/bin/helm` is there, of the version that is named here."""
    stamp = GO_BIN.parent / "stamp"
    return stamp.is_file() and stamp.read_text() == HELM and (GO_BIN / "helm").is_file()


def get_helm() -> None:
    """Have `build/go/bin/helm`.

    Raises:
        Failed: there is no Go, or it could not be built.
    """
    if has_helm():
        return
    go = shutil.which("go")
    if go is None:
        raise Failed("helm, which renders the chart, is built with Go: install Go 1.25 or newer.")
    print(f"chart: building {HELM}; some minutes, once", flush=True)
    run((go, "install", HELM), GOBIN=str(GO_BIN))
    (GO_BIN.parent / "stamp").write_text(HELM)


def files(*values: str) -> list[str | Path]:
    """Return helm's words for the files *values* of `ci/`, one over the other."""
    return [word for name in values for word in ("-f", CHART / "ci" / f"{name}.yaml")]


def rendered(*values: str, version: str = OLDEST) -> str:
    """Return the chart's rendering with these files of `ci/`, for that version of Kubernetes."""
    where = ("--namespace", NAMESPACE, "--kube-version", version)
    return helm("template", "pointsman", CHART, *where, *files(*values))


def by_template(text: str) -> dict[str, str]:
    """Return the documents of a rendering, joined, by the name of their template."""
    found: dict[str, str] = {}
    for document in re.split(r"^---\n", text, flags=re.M):
        source = re.match(r"# Source: pointsman/templates/([\w-]+)\.yaml\n", document)
        if source:
            body = document[source.end() :].strip("\n") + "\n"
            found[source[1]] = found.get(source[1], "") + "---\n" + body
    return found


def write_manifests() -> None:
    made_of = inputs()
    plain, options = by_template(rendered("plain")), by_template(rendered("plain", "plain-options"))
    for path, template in manifests().items():
        source = options if path.parent.name == "options" else plain
        text = noted(source[template], made_of)
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)
            print(f"chart: wrote {path.relative_to(setup.ROOT)}")


def check() -> int:
    """Return 1 if a plain manifest is not the chart's; each is named."""
    found = stale()
    for line in found:
        print(f"chart: {line}: run `make chart`, where Go is", file=sys.stderr)
    if not found:
        print("chart: the plain manifests are its rendering")
    return 1 if found else 0


def make() -> int:
    get_helm()
    write_manifests()
    for values in [(), *((path.stem,) for path in sorted(CHART.glob("ci/*.yaml")))]:
        helm("lint", "--strict", "--kube-version", OLDEST, CHART, *files(*values))
    shutil.rmtree(PACKAGE, ignore_errors=True)
    helm("package", CHART, "--destination", PACKAGE)
    (packed,) = PACKAGE.iterdir()
    print(f"chart: linted, and packed into {packed.relative_to(setup.ROOT)}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare what is noted")
    options = parser.parse_args(arguments)
    return spoken("chart", check if options.check else make)


if __name__ == "__main__":
    sys.exit(main())
