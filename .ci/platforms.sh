# Sourced by .ci/run: the same sources with other compilers, libraries and releases of Debian.
# shellcheck shell=bash

# clang_build VERSION FOLDER FLAGS: configures build/FOLDER with that clang; a warning stops the build
clang_build() {
    if ! command -v "clang++-$1" >/dev/null; then
        echo "skipped: there is no clang++-$1 (Debian: clang-$1)"
        return 77
    fi
    bounded 120 cmake --preset clang -B "build/$2" -DCMAKE_CXX_COMPILER="clang++-$1" "-DCMAKE_CXX_FLAGS=$3" \
        "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=$4"
}

# The whole suite.
clang19() {
    clang_build 19 clang19 '' '-O1 -g1' &&
        bounded 2400 cmake --build build/clang19 -j "$jobs" &&
        bounded 1500 ctest --test-dir build/clang19 -j 2 --output-on-failure --no-tests=error
}

# What users compile, and the unit tests.
compiled_everywhere='wix wix_redis wix_testing wix_fake visitor_session quick_start storefront blocking errors large_bodies
    watch_renewals unit_tests'

clang16() {
    # shellcheck disable=SC2086
    clang_build 16 clang16 '' '-O0 -g0' &&
        bounded 1800 cmake --build build/clang16 -j "$jobs" --target $compiled_everywhere &&
        bounded 300 ctest --test-dir build/clang16 --output-on-failure --no-tests=error -L '^unit$'
}

# Boost of the system is linked to libstdc++, so nothing can be linked here.
libcxx() {
    local objects
    if ! printf '#include <version>\n' | clang++-19 -stdlib=libc++ -fsyntax-only -x c++ - 2>/dev/null; then
        echo 'skipped: there is no libc++ for clang++-19 (Debian: libc++-19-dev libc++abi-19-dev)'
        return 77
    fi
    clang_build 19 libcxx '-stdlib=libc++ -fexperimental-library' '-O0 -g0' || return
    mapfile -t objects < <(ninja -C build/libcxx -t targets all |
        sed -nE 's,^((src|examples|test/CMakeFiles/unit_tests\.dir)/.*\.o): CXX_COMPILER__.*,\1,p')
    if ((${#objects[@]} < 100)); then
        echo "only ${#objects[@]} object files were found"
        return 1
    fi
    bounded 1500 ninja -C build/libcxx -j "$jobs" "${objects[@]}"
}

# bare RELEASE COPY: a new bare root with a fresh clone of this checkout in /wix; prints its folder
bare() {
    local copy
    copy=$(bounded 900 tools/debian_root.sh fresh "$1" "$2") || return
    if command -v git >/dev/null && git rev-parse --git-dir >/dev/null 2>&1; then
        git -c "safe.directory=*" clone -q --depth 1 "file://$root" "$copy/wix" || return
        if [[ -n $(git status --porcelain --untracked-files=no) ]]; then echo 'changes that are not committed are left out' >&2; fi
    else
        mkdir "$copy/wix" && tar -C "$root" --exclude=./build -cf - . | tar -C "$copy/wix" -xf - || return
    fi
    echo "$copy"
}

# in_root SECONDS COPY COMMAND: a shell's command, in /wix of that root
in_root() { bounded "$1" tools/debian_root.sh enter "$2" bash -c "cd /wix && $3"; }

drop() { tools/debian_root.sh drop "$1"; }

# What a user does first on a fresh machine, then the demo.
debian12() { bare debian12 debian12 && in_root 3300 debian12 './run test && ./run demo' && drop debian12; }
debian13() { bare debian13 debian13 && in_root 3300 debian13 'WIX_CI=1 ./run test && WIX_CI=1 ./run demo' && drop debian13; }

# Debian 13 has two Boosts, which exclude each other.
boost188() {
    local boost='libboost1.88-dev libboost-json1.88-dev libboost-url1.88-dev'
    bare debian13 boost188 &&
        in_root 600 boost188 "apt-get -q update && apt-get -q -y install --no-install-recommends $boost && ./run packages" &&
        in_root 2400 boost188 'cmake --preset ci-default -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O0 -g0" &&
            grep -q "Boost_DIR.*1[.]88" build/ci-default/CMakeCache.txt &&
            cmake --build --preset ci-default -j $(./run jobs) --target '"${compiled_everywhere//$'\n'/ }"' &&
            ctest --preset ci-default -L "^unit$"' && drop boost188
}

# The guards of the plain run: enough to notice within minutes that another platform was forgotten.
guard_clang19() {
    clang_build 19 guard_clang19 '' '-O0 -g0' &&
        bounded 900 cmake --build build/guard_clang19 -j "$jobs" --target wix wix_testing wix_fake
}
guard_debian13() {
    local cached=()
    if [[ -d $CCACHE_DIR ]]; then cached=(--ccache "$CCACHE_DIR" --env CCACHE_BASEDIR=/wix --env CCACHE_NOHASHDIR=1); fi
    bare debian13 guard &&
        bounded 2400 tools/debian_root.sh enter guard ${cached[@]+"${cached[@]}"} \
            bash -c 'cd /wix && ./run packages ccache && WIX_CI=1 ./run demo' && drop guard
}

platforms=(clang19 clang16 libcxx debian12 debian13 boost188)

# platform_packages STAGE...: what they need of this machine
platform_packages() {
    local name
    for name in "$@"; do
        case $name in
        clang19 | guard_clang19) echo clang-19 ;;
        clang16) echo clang-16 ;;
        libcxx) printf '%s\n' clang-19 libc++-19-dev libc++abi-19-dev ;;
        debian12 | debian13 | boost188 | guard_debian13) printf '%s\n' debootstrap debian-archive-keyring ;;
        esac
    done
}
