# One image for manager, agent and sidecar. It runs as any user, with a read-only root.
#   docker build -t pointsman .
# DEBIAN is the base; another one must offer gobgpd 4.8 or newer, below 5, in trixie-backports.
ARG DEBIAN=debian:trixie-slim

FROM ${DEBIAN} AS base
ENV DEBIAN_FRONTEND=noninteractive PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/*

# The daemon and the API it speaks, of one version, from the base's own archive.
FROM base AS gobgp
RUN sed -i 's/^Suites: trixie .*/& trixie-backports/' /etc/apt/sources.list.d/debian.sources \
 && apt-get update \
 && cd /tmp && apt-get download gobgpd/trixie-backports \
 && version="$(dpkg-deb -f gobgpd_*.deb Version)" \
 && apt-get download "golang-github-osrg-gobgp-dev=$version" \
 && dpkg --compare-versions "$version" ge 4.8 && dpkg --compare-versions "$version" lt 5 \
 && dpkg -x gobgpd_*.deb /gobgp && dpkg -x golang-github-osrg-gobgp-dev_*.deb /gobgp

FROM base AS wheel
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv
WORKDIR /src
COPY requirements requirements
RUN python3 -m venv /build \
 && /build/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/build.txt \
 && python3 -m venv /opt/pointsman \
 && /opt/pointsman/bin/pip install --no-cache-dir --only-binary :all: --require-hashes \
      -r requirements/manager.txt -r requirements/agent.txt
COPY --from=gobgp /gobgp/usr/share/gocode/src/github.com/osrg/gobgp/proto /proto
COPY . .
RUN GOBGP_PROTO=/proto /build/bin/python -m hatchling build -t wheel \
 && /opt/pointsman/bin/pip install --no-cache-dir --no-deps --no-index dist/*.whl

FROM base
COPY --from=gobgp /gobgp/usr/bin/gobgpd /usr/bin/gobgpd
COPY --from=wheel /opt/pointsman /opt/pointsman
ENV PATH=/opt/pointsman/bin:$PATH
USER 65532:65532
ENTRYPOINT ["pointsman"]
