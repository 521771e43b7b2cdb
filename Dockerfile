# One image for manager, sidecar and agent, for amd64 and arm64 by the same lines: docs/install.md.
#   make image
# DEBIAN is the base; another one must offer gobgpd 4.8 or newer, below 5, in trixie-backports.
ARG DEBIAN=debian:trixie-slim

FROM ${DEBIAN} AS base
ENV DEBIAN_FRONTEND=noninteractive PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# apt's lists and caches are larger than what it installs.
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb

# The daemon and the API it speaks, of one version, from the base's own archive.
FROM base AS gobgp
RUN sed -i 's/^Suites: trixie .*/& trixie-backports/' /etc/apt/sources.list.d/debian.sources \
 && apt-get update \
 && cd /tmp && apt-get download gobgpd/trixie-backports \
 && version="$(dpkg-deb -f gobgpd_*.deb Version)" \
 && apt-get download "golang-github-osrg-gobgp-dev=$version" \
 && dpkg --compare-versions "$version" ge 4.8 && dpkg --compare-versions "$version" lt 5 \
 && dpkg -x gobgpd_*.deb /gobgp && dpkg -x golang-github-osrg-gobgp-dev_*.deb /gobgp

# Two environments: one that builds, and one that is shipped, without pip and what nobody imports.
FROM base AS wheel
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv
WORKDIR /src
COPY requirements requirements
RUN python3 -m venv /build \
 && /build/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/build.txt \
 && python3 -m venv --without-pip /opt/pointsman \
 && /build/bin/pip --python /opt/pointsman/bin/python install --no-cache-dir --no-compile \
      --only-binary :all: --require-hashes -r requirements/manager.txt -r requirements/agent.txt
COPY --from=gobgp /gobgp/usr/share/gocode/src/github.com/osrg/gobgp/proto /proto
COPY . .
RUN GOBGP_PROTO=/proto /build/bin/python -m hatchling build -t wheel \
 && /build/bin/pip --python /opt/pointsman/bin/python install --no-cache-dir --no-compile --no-deps --no-index dist/*.whl \
 && python3 -m tools.slim /opt/pointsman/lib/python3.*/site-packages \
 && cd /opt/pointsman/bin && ls | grep -vx -e 'python.*' -e '.*pointsman' | xargs rm && cd /src \
 # Compiled once, here: the root of a container is never written to. By hash, so that a build's hour leaves no trace.
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/pointsman/lib

FROM base
ARG VERSION=0.1.0 REVISION=unknown SOURCE=
LABEL org.opencontainers.image.title="Pointsman" \
      org.opencontainers.image.description="External addresses for Kubernetes Services on bare metal, announced from one place" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=gobgp /gobgp/usr/bin/gobgpd /usr/bin/gobgpd
COPY --from=wheel /opt/pointsman /opt/pointsman
ENV PATH=/opt/pointsman/bin:$PATH
USER 65532:65532
ENTRYPOINT ["pointsman"]
