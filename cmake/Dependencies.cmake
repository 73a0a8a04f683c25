# What the library stands on. The versions are the oldest that are tested.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(OpenSSL 3 REQUIRED)
find_package(ZLIB REQUIRED)

# For wix::redis only. hiredis before 1.0 has no CMake package that defines targets.
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(WIX_HIREDIS QUIET IMPORTED_TARGET GLOBAL hiredis>=0.14)
  pkg_check_modules(WIX_HIREDIS_SSL QUIET IMPORTED_TARGET GLOBAL hiredis_ssl>=1.0)  # for rediss://
endif()
if(WIX_HIREDIS_FOUND AND wix_standalone)
  set(wix_redis_default ON)
else()
  set(wix_redis_default OFF)
endif()
