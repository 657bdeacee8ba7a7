# Builds the operator as a static program. The image contains the program and the CA certificates only.
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
# An explicit target keeps procedural macros dynamic; they cannot be linked statically.
RUN target="$(uname -m)-unknown-linux-gnu" \
 && RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --release \
      -p extension-registry-operator --bin extension-registry --target "$target" \
 && cp "target/$target/release/extension-registry" /extension-registry

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /extension-registry /extension-registry
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
ENTRYPOINT ["/extension-registry"]
