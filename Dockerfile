# syntax=docker/dockerfile:1
# Two images of the gateway:
#   docker build --target vgate-cpu --tag vgate-cpu .    no model: dry runs, and the gateway in front of other servers
#   docker build --target vgate-gpu --tag vgate-gpu .    vLLM in the same process, for an NVIDIA GPU
# With all that the configuration offers to a server but engine=ray.
#
# Python's image is pinned by the digest that docker-library/repo-info gives for it, of 2026-08-05 (Python 3.12.13, Debian 13);
# vLLM's only by its tag, for its digest was not known where this was written. For others:
#   docker buildx imagetools inspect python:3.12-slim
#   docker build --build-arg PYTHON_IMAGE=python:3.12-slim@sha256:... --target vgate-cpu .
# Size of vgate-cpu: 119 MB of that image on disk (43 MB to fetch; repo-info's figures) and 63 MB of /opt/vgate (measured, byte code included).
# Python packages are those of constraints.txt, byte code is made without times in it, and two builds have the same layers with
#   SOURCE_DATE_EPOCH=$(git log -1 --pretty=%ct) docker buildx build --output type=image,rewrite-timestamp=true ...
ARG PYTHON_IMAGE=python:3.12-slim@sha256:229a2c5bfa27522db7815ea81f9bed70af17ccb9de9fc7ad142b1877b5830d36
# The version of vLLM is that of the extra `gpu` in pyproject.toml; the image has not been pulled here. It is made with CUDA 13, which
# wants NVIDIA's driver 580 or newer. For older ones vLLM's releases have a second tag with CUDA 12.9 (seen of v0.30.0 and v0.31.0):
#   --build-arg VLLM_IMAGE=vllm/vllm-openai:v0.32.0-cu129
ARG VLLM_IMAGE=vllm/vllm-openai:v0.32.0


FROM ${PYTHON_IMAGE} AS wheel
# With SOURCE_DATE_EPOCH set, Python's byte code is checked by hash instead of by time.
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore SOURCE_DATE_EPOCH=1580601600
WORKDIR /src
COPY constraints.txt ./
# hatchling builds the wheel; no other version of it than the one that the tests had.
RUN python -m venv --without-pip /opt/build && \
    python -m pip --python /opt/build/bin/python install --quiet --constraint constraints.txt hatchling
COPY LICENSE README.md pyproject.toml ./
COPY conf conf
COPY vgate vgate
RUN /opt/build/bin/python -m hatchling build --target wheel --directory /dist


FROM wheel AS environment
# Without pip in it: what runs in the container has nothing to install.
RUN python -m venv --without-pip /opt/vgate && \
    python -m pip --python /opt/vgate/bin/python install --quiet --constraint constraints.txt "$(ls /dist/*.whl)[server,otel]"


FROM ${PYTHON_IMAGE} AS vgate-cpu
LABEL org.opencontainers.image.title="vgate-cpu" \
      org.opencontainers.image.description="An OpenAI-compatible gateway: dry runs, and in front of other servers" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.4.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.12-slim"
COPY --from=environment /opt/vgate /opt/vgate
ENV PATH=/opt/vgate/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp \
    VGATE_SERVER__HOST=0.0.0.0 VGATE_SERVER__PORT=8000
# A number, which Kubernetes can see not to be root; nothing in the image belongs to it.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["python", "-m", "vgate.health"]
ENTRYPOINT ["python", "-m", "vgate.serve"]
CMD ["+preset=dry_run"]


FROM ${VLLM_IMAGE} AS vgate-gpu
LABEL org.opencontainers.image.title="vgate-gpu" \
      org.opencontainers.image.description="An OpenAI-compatible gateway with vLLM in the same process" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.4.0" \
      org.opencontainers.image.base.name="docker.io/vllm/vllm-openai:v0.32.0"
# For this stage's steps alone, not for what runs in the image. Some of vLLM's images have another user, and some a system's
# Python, into which pip installs only when told so.
ARG SOURCE_DATE_EPOCH=1580601600
ARG PIP_BREAK_SYSTEM_PACKAGES=1
USER 0:0
WORKDIR /tmp/install
COPY constraints.txt ./
COPY --from=wheel /dist /dist
# What vLLM was released with stays as it is; of what it does not bring, the versions of constraints.txt.
RUN python3 -m pip list --format=freeze > image.txt && \
    awk -F== '{ name = tolower($1); gsub(/[-_.]+/, "-", name) } \
              NR == FNR { image[name]; print; next } \
              !(name in image)' image.txt constraints.txt > pins.txt && \
    python3 -m pip install --quiet --no-cache-dir --root-user-action=ignore --constraint pins.txt "$(ls /dist/*.whl)[server,otel]" && \
    rm -r /tmp/install /dist && \
    install -d -o 10001 -g 10001 /var/lib/vgate
# vLLM and PyTorch ask for a home, and for the name of the user, which has no entry in /etc/passwd.
ENV HOME=/var/lib/vgate USER=vgate LOGNAME=vgate HF_HOME=/var/lib/vgate/huggingface \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 VGATE_SERVER__HOST=0.0.0.0 VGATE_SERVER__PORT=8000
WORKDIR /var/lib/vgate
# The model, and what is compiled for the card: keep it, or each start takes minutes.
VOLUME /var/lib/vgate
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=15m --retries=3 CMD ["python3", "-m", "vgate.health"]
ENTRYPOINT ["python3", "-m", "vgate.serve"]
CMD ["+preset=prod"]
