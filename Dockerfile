# hj212d in a container: docker build -t hj212d .
FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ libssl-dev make pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY benches benches
COPY examples examples
COPY migrations migrations
COPY protocol-fixtures protocol-fixtures
COPY src src
COPY tests tests
RUN cargo build --release --locked --bin hj212d

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/hj212d --create-home --shell /usr/sbin/nologin hj212d
COPY --from=build /src/target/release/hj212d /usr/bin/hj212d
COPY deploy/hj212d.toml /etc/hj212d/hj212d.toml
# Every interface of the container: what leaves it is said by -p.
ENV HJ212D_HTTP__ADDRESS=0.0.0.0:2121
USER 10001
VOLUME /var/lib/hj212d
EXPOSE 2120 2121
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/hj212d"]
CMD ["serve", "--config", "/etc/hj212d/hj212d.toml"]
