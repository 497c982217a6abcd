# Sourced by demo and test: what a build needs besides git and a Rust toolchain. As root on Debian it is installed, else named.
install_needed() {
    [ "${#need[@]}" -gt 0 ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing ${need[*]} …"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
    else
        echo "Missing: ${need[*]}. On Debian: sudo apt-get install ${need[*]}" >&2
        exit 69
    fi
}
need=()
command -v cc >/dev/null || need+=(gcc libc6-dev)
command -v c++ >/dev/null || need+=(g++)
command -v pkg-config >/dev/null || need+=(pkg-config)
# Kafka's client speaks TLS and SCRAM through the system's OpenSSL.
pkg-config --exists libssl 2>/dev/null || need+=(libssl-dev)
command -v make >/dev/null || need+=(make)
for tool in "${tools[@]:-}"; do
    [ -z "$tool" ] || command -v "$tool" >/dev/null || need+=("$tool")
done
install_needed
command -v cargo >/dev/null || { echo "Missing: a Rust toolchain (rustc 1.95 or newer, with cargo)" >&2; exit 69; }
