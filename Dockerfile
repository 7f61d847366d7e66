# The sidecar of argocd-repo-server: docs/install.md says how to build, configure and install it.
#
#   docker build --tag registry.example/cmp .
#
# BASE is a Debian, 12 or newer.  image/tools.lock names the tools that the image holds, each with its sha256.
ARG BASE=docker.io/library/debian:13-slim

# What runs, and nothing that builds.  gpg and its agent are for SOPS files with PGP keys; dirmngr, which fetches keys,
# is left out.  PACKAGES are more of Debian's: git, where kustomizations have remote bases (about 90 MB).
FROM ${BASE} AS runtime
ARG PACKAGES=
RUN apt-get update --quiet \
 && DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends \
      ca-certificates gpg gpg-agent python3 tini ${PACKAGES} \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/cache/debconf/*-old

# A virtual environment without pip: wheels pinned by hash, then cmp itself.
FROM runtime AS venv
RUN apt-get update --quiet \
 && DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends python3-venv
WORKDIR /src
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python3 -m venv /opt/build \
 && /opt/build/bin/pip install --quiet --require-hashes --only-binary :all: --requirement requirements/build.txt \
 && python3 -m venv --without-pip /opt/cmp \
 && /opt/build/bin/pip --python /opt/cmp/bin/python install --quiet --no-compile --require-hashes \
      --only-binary :all: --requirement requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY cmp cmp
# The time of a file changes on its way through layers, so its bytecode must not depend on it.
RUN /opt/build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/build/bin/pip --python /opt/cmp/bin/python install --quiet --no-compile --no-deps --no-index dist/*.whl \
 && /opt/cmp/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/cmp/lib
COPY image/cmp /opt/cmp/bin/cmp
COPY image/cmp /opt/cmp/bin/argocd-cmp

# The tools, from their releases or built from their Go modules as the lock says; GOTOOLCHAIN is the Go that gives
# the digests in it, and may fetch the newer one that a tool requires.  CMP_TOOLS_MIRROR takes the place of the hosts
# of releases.
FROM venv AS tools
ARG CMP_TOOLS_MIRROR=
ENV CMP_TOOLS_DIR=/opt/tools GOTOOLCHAIN=go1.26.8+auto
COPY requirements/go.txt requirements/
COPY image/tools.lock image/
RUN if grep --quiet 'via: go' image/tools.lock; then \
      /opt/build/bin/pip install --quiet --require-hashes --only-binary :all: --requirement requirements/go.txt; \
    fi
# Equal programs make an equal layer, whenever they were installed.
RUN PATH="/opt/build/bin:$PATH" /opt/cmp/bin/cmp tools install --from image/tools.lock \
 && find /opt/tools -name '.*.lock' -delete \
 && find /opt/tools -exec touch --no-dereference --date=@0 {} +

FROM runtime
# User 999 is Argo CD's.  Everything belongs to root; the folders are there to be mounted over.
RUN useradd --uid 999 --user-group --no-create-home --home-dir /home/argocd --shell /usr/sbin/nologin argocd \
 && mkdir -p /home/argocd/cmp-server/plugins /run/argocd /run/cmp /var/cache/cmp /var/lib/cmp \
 && chmod 0755 /run/lock /var/tmp
COPY --from=tools /opt/tools /opt/tools
COPY --from=venv /opt/cmp /opt/cmp
COPY plugin.yaml /home/argocd/cmp-server/config/plugin.yaml
# For a job of GitLab CI that uses this image (docs/preview.md); the sidecar has no use for them.
COPY ci/*.py ci/*.sh /opt/cmp/ci/
ENV PATH=/opt/cmp/bin:/usr/bin:/bin \
    HOME=/home/argocd \
    LANG=C.UTF-8 \
    CMP_TOOLS_DIR=/opt/tools \
    CMP_CACHE_DIR=/var/cache/cmp \
    CMP_STATE_DIR=/var/lib/cmp \
    CMP_TMPDIR=/run/cmp
ARG BASE
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="cmp" \
      org.opencontainers.image.description="Argo CD Config Management Plugin, as a sidecar of argocd-repo-server" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 999:999
WORKDIR /home/argocd
# As the first process of its container, argocd-cmp-server would leave orphans unreaped (argoproj/argo-cd#29349).
ENTRYPOINT ["/usr/bin/tini", "--", "/var/run/argocd/argocd-cmp-server"]
