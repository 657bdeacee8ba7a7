# Builds the operator as a static program, into an image that holds nothing else but certificates of authorities.
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
# With a target of their own, macros are not static, which they cannot be.
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
