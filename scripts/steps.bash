# What scripts/run and scripts/test share: how they speak, and how they install what is missing. Sourced.

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
    bold='' red='' green='' plain=''
fi

say() { printf '%s\n' "$*"; }
title() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
good() { printf '%sok%s      %s\n' "$green" "$plain" "$*"; }
bad() { printf '%sFAILED%s  %s\n' "$red" "$plain" "$*" >&2; }

die() {
    bad "$*"
    exit 1
}

# A time span in seconds as people say it.
span() {
    if [ "$1" -lt 60 ]; then printf '%d s' "$1"; else printf '%d min %d s' $(($1 / 60)) $(($1 % 60)); fi
}

need_swift() {
    command -v swift >/dev/null ||
        die "swift is not on PATH: install Swift 6.2 or later (https://www.swift.org/install) and try again"
    command -v git >/dev/null || die "git is not on PATH: the package manager needs it to fetch the dependencies"
    local version major minor
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    major=${version%%.*} minor=${version##*.}
    if [ "${major:-0}" -lt 6 ] || { [ "$major" -eq 6 ] && [ "${minor:-0}" -lt 2 ]; }; then
        die "Swift 6.2 or later is needed, this is ${version:-an unknown version}"
    fi
    good "Swift $version"
}

# install_packages NAME…: installs those Debian packages that are missing, and says which.
install_packages() {
    local name missing=() root=()
    if ! command -v dpkg-query >/dev/null; then
        say "This is no Debian, so nothing is installed here. Needed, by Debian's names: $*"
        return 0
    fi
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$name")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        good "system packages: nothing is missing"
        return 0
    fi
    say "Missing system packages: ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "installing them needs root and there is no sudo; as root: apt-get install ${missing[*]}"
        say "Installing them with sudo (it may ask for your password)."
        root=(sudo)
    fi
    # ${root[@]+…}: an empty array counts as unset in some versions of bash.
    ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get update -q ||
        say "The package lists could not be renewed; going on with those that are there."
    ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}" ||
        die "apt-get could not install ${missing[*]}; its own words stand above"
    good "installed ${missing[*]}"
}
