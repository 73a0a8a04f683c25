# Sourced by ./run: finds what is missing to build this project, and installs it where apt-get can.
# shellcheck shell=bash

say() { printf 'run: %s\n' "$*" >&2; }

# installed PACKAGE: completely installed, as dpkg says
installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# own TOOL: the user has one that is no package of the system (/usr/local, a toolchain of their own)
own() {
    local path
    path=$(command -v "$1" 2>/dev/null) || return 1
    case $path in
    /usr/bin/* | /bin/* | /usr/lib/*) return 1 ;;
    esac
}

# own_boost: the user points at a Boost of their own
own_boost() { [[ -n ${BOOST_ROOT:-}${Boost_ROOT:-}${Boost_DIR:-} ]]; }

# known PACKAGE: apt-get could install it
known() { [[ -n $(apt-cache show --no-all-versions "$1" 2>/dev/null | head -n 1) ]]; }

# privileged COMMAND...: as root; with sudo if it asks nothing, or if there is somebody to ask.
# $manual is what a person would type instead.
privileged() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 && -t 2 ]]; }; then
        sudo "$@"
    else
        say 'this needs root, and there is no sudo that works without a terminal. Type:'
        printf '    %s\n' "$manual" >&2
        exit 1
    fi
}

apt() { privileged env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@"; }

# installed_boosts: the NN of each installed libboost1.NN-dev. (dpkg-query fails if there is none.)
installed_boosts() {
    { dpkg-query -W -f='${db:Status-Status} ${Package}\n' 'libboost1.*-dev' 2>/dev/null || true; } |
        sed -n 's/^installed libboost1\.\([0-9]*\)-dev$/\1/p' | sort -n
}

# Boost's development packages of this system, as 1.NN: 1.81 on Debian 12, else the oldest that will do.
boost_series() {
    local series
    series=$(installed_boosts | awk '$1 >= 81 && !found++')
    if [[ -z $series ]] && ! known libboost1.81-dev; then
        series=$({ apt-cache search --names-only '^libboost-url1\.[0-9]+-dev$' 2>/dev/null || true; } |
            sed -n 's/^libboost-url1\.\([0-9]*\)-dev .*/\1/p' | sort -n | awk '$1 >= 81 && !found++')
    fi
    echo "1.${series:-81}"
}

# Debian's Boosts exclude each other. One that is too old and in use is for its owner to remove.
refuse_old_boost() {
    local old
    old=$(installed_boosts | awk '$1 < 81 { printf "libboost1.%s-dev ", $1 }')
    if [[ -z $old ]]; then return; fi
    say "installed is ${old% }, which excludes libboost$boost-dev. It is not removed for you, since"
    say 'other packages may need it (apt-get lists them and asks). Type:'
    printf '    %sapt-get remove %s\n' "$(as_root)" "${old% }" >&2
    say 'and start this again. With a Boost of your own somewhere else: BOOST_ROOT=/where/it/is'
    exit 1
}

as_root() { if [[ $(id -u) != 0 ]]; then echo 'sudo '; fi; }

# wanted PURPOSE: the packages for build, test or bench
wanted() {
    own g++ || [[ -n ${CXX:-} ]] || echo g++
    own cmake || echo cmake
    own ninja || echo ninja-build
    own_boost || printf '%s\n' "libboost$boost-dev" "libboost-json$boost-dev" "libboost-url$boost-dev"
    printf '%s\n' libssl-dev zlib1g-dev
    case $1 in
    # redis-tools has the server's binary, and starts no service.
    test) printf '%s\n' doctest-dev libhiredis-dev pkg-config redis-tools ;;
    bench) printf '%s\n' libbenchmark-dev libcurl4-openssl-dev pkg-config python3 ;;
    esac
}

# find_missing PURPOSE: those that are not installed, into the array `missing`
find_missing() {
    local package
    missing=()
    for package in $(wanted "$1"); do
        installed "$package" || missing+=("$package")
    done
}

# install_missing PURPOSE: what is in `missing`, with fresh lists of packages if the ones at hand do not know it
install_missing() {
    local package manual
    say "installing ${missing[*]}"
    manual="$(as_root)apt-get update && $(as_root)apt-get install --no-install-recommends ${missing[*]}"
    for package in "${missing[@]}"; do
        if known "$package"; then continue; fi
        apt update || say 'apt-get update failed'
        # The lists may show another Boost than the one that was guessed without them.
        boost=$(boost_series)
        find_missing "$1"
        break
    done
    if ! own_boost && ! installed "libboost$boost-dev" && ! known "libboost$boost-dev"; then
        say "apt-get knows no Boost >= 1.81. If this machine is online, this release has none: Debian 12 and"
        say 'Ubuntu 24.04 are the oldest that do. With a Boost of your own: BOOST_ROOT=/where/it/is'
        exit 1
    fi
    manual="$(as_root)apt-get update && $(as_root)apt-get install --no-install-recommends ${missing[*]}"
    if apt install --no-install-recommends --no-remove "${missing[@]}"; then return; fi
    say 'that failed; once more with fresh lists of packages'
    if apt update && apt install --no-install-recommends --no-remove "${missing[@]}"; then return; fi
    say 'apt-get could not install them; its reason is above. Is this machine online? To try by hand:'
    printf '    %s\n' "$manual" >&2
    exit 1
}

# apt_packages PURPOSE [MORE...]
apt_packages() {
    local purpose=$1 package
    shift
    boost=$(boost_series)
    find_missing "$purpose"
    if ((${#missing[@]} > 0)); then
        own_boost || refuse_old_boost
        install_missing "$purpose"
    fi
    # What is wanted in addition is no reason to fail.
    for package in "$@"; do
        if installed "$package" || command -v "$package" >/dev/null; then continue; fi
        say "installing $package"
        (
            manual="$(as_root)apt-get install --no-install-recommends $package"
            apt install --no-install-recommends --no-remove "$package"
        ) || say "going on without $package"
    done
}

# version_at_least WANTED FOUND
version_at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

# Other systems: asks the tools themselves, says what is missing, and stops if the build could not start.
other_system() {
    local purpose=$1 lacking=() compiler=${CXX:-} major probe
    if [[ -z $compiler ]]; then compiler=$(command -v g++ || command -v clang++ || true); fi
    if [[ -z $compiler ]] || ! command -v "$compiler" >/dev/null; then
        lacking+=('g++ >= 12 or clang++ >= 16')
    else
        major=$("$compiler" -dumpversion | cut -d. -f1)
        if "$compiler" --version | grep -qi clang; then
            ((major >= 16)) || lacking+=("clang++ >= 16 ($compiler is $major)")
        else
            ((major >= 12)) || lacking+=("g++ >= 12 ($compiler is $major)")
        fi
    fi
    if ! command -v cmake >/dev/null; then
        lacking+=('cmake >= 3.25')
    else
        probe=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
        version_at_least 3.25 "$probe" || lacking+=("cmake >= 3.25 (this is $probe)")
    fi
    command -v ninja >/dev/null || lacking+=('ninja')

    # has HEADER [CONDITION]: whether the compiler finds it, and the condition holds there
    has() {
        printf '#include <%s>\n#if !(%s)\n#error\n#endif\n' "$1" "${2:-1}" |
            "$compiler" -std=c++20 ${BOOST_ROOT:+"-I$BOOST_ROOT/include"} -E -x c++ - >/dev/null 2>&1
    }
    if [[ -n $compiler && -z ${CMAKE_PREFIX_PATH:-} ]]; then
        has boost/version.hpp 'BOOST_VERSION >= 108100' || lacking+=('Boost >= 1.81 with json and url')
        has openssl/opensslv.h 'OPENSSL_VERSION_NUMBER >= 0x30000000L' || lacking+=('OpenSSL 3, with headers')
        has zlib.h || lacking+=('zlib, with headers')
        if [[ $purpose == test ]]; then has doctest/doctest.h || lacking+=('doctest'); fi
        if [[ $purpose == bench ]]; then has benchmark/benchmark.h || lacking+=('Google Benchmark'); fi
    fi
    if ((${#lacking[@]} == 0)); then return; fi
    say 'this system has no apt-get. Missing:'
    printf '    %s\n' "${lacking[@]}" >&2
    say 'Libraries in an unusual place: CMAKE_PREFIX_PATH=/where/they/are. To build all the same: WIX_SKIP_PACKAGES=1'
    exit 1
}

# need_packages build|test|bench [MORE...]
need_packages() {
    if [[ ${WIX_SKIP_PACKAGES:-} == 1 ]]; then return; fi
    if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
        apt_packages "$@"
    else
        other_system "$1"
    fi
}
