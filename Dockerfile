# One image for every service; the command says which one it is.
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.lock .
RUN python -m venv /opt/forecall \
 && /opt/forecall/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY . .
RUN /opt/forecall/bin/pip install --no-cache-dir --disable-pip-version-check --no-build-isolation --no-deps --no-index .

FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends fonts-wqy-microhei && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --user-group --home-dir /run/forecall --shell /usr/sbin/nologin forecall
COPY --from=build /opt/forecall /opt/forecall
ENV PATH=/opt/forecall/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FORECALL_DATA_DIR=/run/forecall
USER 10001:10001
ENTRYPOINT ["forecall"]
CMD ["--help"]
