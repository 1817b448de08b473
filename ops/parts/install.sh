#!/bin/sh
# Installs the programs that some tests use: mail clients, a webmail with a browser, PostgreSQL, OpenSearch, LDAP, DNS
# and mail servers. Needs root on Debian (or a derivative with apt). Starts no system service. Prints nothing when all is installed.
#
#   ops/parts/install.sh            install what is missing
#   ops/parts/install.sh --check    only list what is missing (exit 1 if anything is)
set -eu

PACKAGES="
swaks libnet-ssleay-perl curl gsasl openssl sieve-connect
isync neomutt thunderbird interimap offlineimap3
fetchmail getmail6 mpop
roundcube-core roundcube-plugins roundcube-sqlite3 php-cli php-sqlite3 php-mbstring php-intl php-xml
chromium chromium-driver
postgresql slapd
dnsmasq-base unbound nsd
postfix dovecot-sieve dovecot-imapd dovecot-pop3d
strace systemd
maven
"
OPENSEARCH=3.6.0
OPENSEARCH_ZIP="$HOME/.m2/repository/org/opensearch/distribution/integ-test-zip/opensearch/$OPENSEARCH/opensearch-$OPENSEARCH.zip"
JAVA_RELEASE=21
POLICY=/usr/sbin/policy-rc.d

die() { echo "parts: $*" >&2; exit 1; }

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

missing_packages() {
    for package in $PACKAGES; do
        is_installed "$package" || printf '%s ' "$package"
    done
}

# invoke-rc.d asks this file before it starts anything; 101 means "not allowed" (Debian policy 9.3.3).
forbid_services() {
    saved=$(mktemp -d)
    [ ! -e "$POLICY" ] || mv "$POLICY" "$saved/policy-rc.d"
    trap restore_services EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
}

restore_services() {
    rm -f "$POLICY"
    [ ! -e "$saved/policy-rc.d" ] || mv "$saved/policy-rc.d" "$POLICY"
    rmdir "$saved"
}

# Debian's postgresql creates a cluster when it is installed; the tests create their own.
forbid_default_cluster() {
    [ -e /etc/postgresql-common/createcluster.conf ] && return
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
}

install_packages() {
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    # --force-confold: keep our createcluster.conf, which exists before the package installs its own.
    if apt-get -qq update >"$log" 2>&1 && apt-get -qq -o Dpkg::Options::=--force-confold \
            install -y --no-install-recommends "$@" >>"$log" 2>&1; then
        rm -f "$log"
    else
        tail -n 30 "$log" >&2
        die "apt-get failed; the whole output is in $log"
    fi
}

# OpenSearch needs a newer Java than Debian 12 has; a JDK below /usr/lib/jvm or at OPENSEARCH_JAVA_HOME is used.
has_java() {
    [ -z "${OPENSEARCH_JAVA_HOME:-}" ] || return 0
    for release in /usr/lib/jvm/*/release; do
        version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$release" 2>/dev/null)
        [ "${version:-0}" -lt "$JAVA_RELEASE" ] || return 0
    done
    return 1
}

java_package() {
    for package in openjdk-25-jdk-headless openjdk-21-jdk-headless temurin-25-jdk temurin-21-jdk; do
        apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [0-9]' && echo "$package" && return
    done
}

# The zip for integration tests, from Maven Central; the tests unpack it themselves.
install_opensearch() {
    if ! [ -f "$OPENSEARCH_ZIP" ]; then
        artifact="org.opensearch.distribution.integ-test-zip:opensearch:$OPENSEARCH:zip"
        mvn -q dependency:get -Dartifact="$artifact" -Dtransitive=false >&2 || die "OpenSearch cannot be downloaded"
    fi
    has_java && return
    package=$(java_package)
    [ -n "$package" ] || die "OpenSearch needs a JDK $JAVA_RELEASE or newer: install one, or set OPENSEARCH_JAVA_HOME"
    install_packages "$package"
}

command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 ||
    die "this is not Debian (no apt-get): install these yourself: $PACKAGES"
missing=$(missing_packages)
if [ "${1:-}" = --check ]; then
    [ -f "$OPENSEARCH_ZIP" ] || missing="$missing OpenSearch"
    has_java || missing="$missing JDK"
    [ -z "$missing" ] || die "missing: $missing"
    exit 0
fi
if [ -z "$missing" ]; then
    install_opensearch
    exit 0
fi
[ "$(id -u)" = 0 ] || die "needs root to install: $missing(try: sudo $0)"
echo "parts: installing $missing"
forbid_services
forbid_default_cluster
# The word splitting is intended: one argument for each package.
# shellcheck disable=SC2086
install_packages $missing
install_opensearch
echo "parts: done"
