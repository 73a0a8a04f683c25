#!/usr/bin/env bash
# Makes bare Debian roots with debootstrap, and runs commands in them. CI builds and tests in them what the machine itself
# is not: another release of Debian, without any package that debootstrap's minbase variant leaves out.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: tools/debian_root.sh make RELEASE
           makes the bare root of debian12 or debian13, unless it is complete, and prints its folder
       tools/debian_root.sh fresh RELEASE COPY
           makes COPY, a new copy of the bare root, in place of an older one, and prints its folder
       tools/debian_root.sh drop COPY
           removes that copy
       tools/debian_root.sh enter COPY [OPTION]... COMMAND...
           runs a command as root in COPY (or in another folder that holds a root)
           --checkout DIR     mounts a checkout of this project at /wix, and starts there
           --ccache DIR       mounts a ccache folder at /ccache, and sets CCACHE_DIR
           --bind FROM:TO     mounts a folder or file of this machine
           --env NAME=VALUE   sets a variable; only PATH, HOME, TERM and these are set

/proc, /dev and all mounts exist only in the namespace of the command, and end with it, as its processes do.
Exit code 77: this machine cannot do it; the reason is printed.

  WIX_ROOTS          folder of the roots (default: the user's cache folder)
  WIX_DEBIAN_MIRROR  mirror of Debian's packages (default: the one that this machine's apt uses)
TEXT
}

roots=${WIX_ROOTS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/wix-roots}

unable() {
    echo "skipped: $*" >&2
    exit 77
}

suite_of() {
    case $1 in
    debian12) echo bookworm ;;
    debian13) echo trixie ;;
    *)
        echo "debian_root.sh: the releases are debian12 and debian13, not '$1'" >&2
        exit 2
        ;;
    esac
}

need_tools() {
    [[ $(id -u) == 0 ]] || unable 'a Debian root needs the rights of root'
    command -v debootstrap >/dev/null || unable 'debootstrap is not installed'
    unshare --mount --pid --fork true 2>/dev/null || unable 'this machine does not allow namespaces (unshare --mount --pid)'
}

# mirror: where this machine's apt finds the packages of Debian
mirror() {
    if [[ -n ${WIX_DEBIAN_MIRROR:-} ]]; then
        echo "$WIX_DEBIAN_MIRROR"
        return
    fi
    local found
    # shellcheck disable=SC2016
    found=$(apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages' 2>/dev/null |
        awk '$2 ~ /^(bookworm|trixie|stable|sid)$/ { print $1; exit }') || true
    [[ -n $found ]] || unable 'apt of this machine knows no mirror of Debian (set WIX_DEBIAN_MIRROR)'
    echo "$found"
}

# remove FOLDER: a root below $roots, and nothing that is mounted there
remove() {
    [[ -n $1 && $1 == "$roots"/* ]] || exit 2
    rm -rf --one-file-system -- "$1"
}

make() {
    local release=$1 suite root source made
    suite=$(suite_of "$release")
    root=$roots/$release
    if [[ -e $root/.complete ]]; then
        echo "$root"
        return
    fi
    need_tools
    source=$(mirror)
    mkdir -p "$roots"
    exec 9>"$roots/.lock"
    flock 9
    if [[ ! -e $root/.complete ]]; then
        made=$root.part
        remove "$made"
        remove "$root"
        if ! debootstrap --variant=minbase "$suite" "$made" "$source" >"$roots/$release.log" 2>&1; then
            tail -n 5 "$roots/$release.log" >&2
            unable "debootstrap could not make $release"
        fi
        printf '127.0.0.1 localhost\n' >"$made/etc/hosts"
        printf 'deb %s %s main\n' "$source" "$suite" >"$made/etc/apt/sources.list"
        # A proxy, or a clock that is not today's, holds inside as well.
        apt-config dump 2>/dev/null | grep -E '^Acquire::(https?::Proxy|Check-|Retries|ForceIP)' >"$made/etc/apt/apt.conf.d/90machine" || true
        mv "$made" "$root"
        touch "$root/.complete"
    fi
    flock -u 9
    echo "$root"
}

fresh() {
    local bare copy=$roots/copies/$2
    [[ $2 =~ ^[a-z0-9_-]+$ ]] || exit 2
    bare=$(make "$1")
    remove "$copy"
    mkdir -p "${copy%/*}"
    cp -a --reflink=auto "$bare" "$copy"
    echo "$1" >"$copy/.release"
    echo "$copy"
}

drop() {
    [[ $1 =~ ^[a-z0-9_-]+$ ]] || exit 2
    remove "$roots/copies/$1"
}

# The part of `enter` that runs within the new namespaces: inside ROOT DIRECTORY BINDS... -- COMMAND...
inside() {
    local root=$1 directory=$2 from to
    shift 2
    mount --make-rprivate /
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    while [[ $1 != -- ]]; do
        from=${1%:*}
        to=$root/${1##*:}
        if [[ -d $from ]]; then mkdir -p "$to"; else
            mkdir -p "${to%/*}"
            [[ -e $to ]] || : >"$to"
        fi
        mount --bind "$from" "$to"
        shift
    done
    shift
    # shellcheck disable=SC2016
    exec chroot "$root" /bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$directory" "$@"
}

enter() {
    local root=$1 directory=/ binds=() variables=()
    shift
    if [[ $root != */* ]]; then root=$roots/copies/$root; fi
    [[ -d $root/etc ]] || {
        echo "debian_root.sh: there is no root in $root" >&2
        exit 2
    }
    need_tools
    while [[ ${1:-} == --* ]]; do
        case $1 in
        --checkout)
            binds+=("$2:/wix")
            directory=/wix
            ;;
        --ccache)
            mkdir -p "$2"
            binds+=("$2:/ccache")
            variables+=(CCACHE_DIR=/ccache)
            ;;
        --bind) binds+=("$2") ;;
        --env) variables+=("$2") ;;
        *)
            usage >&2
            exit 2
            ;;
        esac
        shift 2
    done
    # All copies of a release share the packages that they have downloaded.
    if [[ -e $root/.release ]]; then
        mkdir -p "$roots/archives/$(<"$root/.release")/partial"
        binds+=("$roots/archives/$(<"$root/.release"):/var/cache/apt/archives")
    fi
    # Names are looked up as on this machine.
    cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-dumb}" \
        ${variables[@]+"${variables[@]}"} \
        unshare --mount --pid --fork --kill-child "${BASH:-bash}" "$(readlink -f "${BASH_SOURCE[0]}")" \
        .inside "$root" "$directory" ${binds[@]+"${binds[@]}"} -- "$@"
}

command=${1:-help}
if (($# > 0)); then shift; fi
case $command:$# in
make:1 | fresh:2 | drop:1) "$command" "$@" ;;
enter:0 | enter:1 | .inside:[0-3]) usage >&2; exit 2 ;;
enter:*) enter "$@" ;;
.inside:*) inside "$@" ;;
help:* | --help:*) usage ;;
*) usage >&2; exit 2 ;;
esac
