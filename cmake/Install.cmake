# The installed package: find_package(wix) gives wix::wix and, if it was built, wix::testing; with COMPONENTS redis it also
# gives wix::redis.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(wix_installed wix)
if(TARGET wix::testing)
  get_target_property(wix_testing_name wix::testing ALIASED_TARGET)
  set_target_properties(${wix_testing_name} PROPERTIES EXPORT_NAME testing)
  list(APPEND wix_installed ${wix_testing_name})
endif()

install(TARGETS ${wix_installed} EXPORT wixTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# In a file of its own: only who asks for it needs hiredis.
if(TARGET wix::redis)
  install(TARGETS wix_redis EXPORT wixRedisTargets
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
          INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  set_target_properties(wix_redis PROPERTIES INSTALL_RPATH "$ORIGIN")
endif()
if(TARGET wix_fake)
  # A shared libwix is found beside it, wherever the prefix is.
  set_target_properties(wix_fake PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS wix_fake RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# Without its library a header would only be a promise that fails at link time.
set(wix_left_out "")
if(NOT TARGET wix::testing)
  list(APPEND wix_left_out PATTERN "testing" EXCLUDE)
endif()
if(NOT TARGET wix::redis)
  list(APPEND wix_left_out PATTERN "redis.hpp" EXCLUDE)
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/wix" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} ${wix_left_out})
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(wix_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wix)
# Boost types are in the interface, so a consumer needs at least the Boost that this was built with.
# A static library also needs what it links privately; a shared one has it inside.
set(wix_boost_version "${Boost_VERSION_STRING}")
get_target_property(wix_type wix TYPE)
if(wix_type STREQUAL "STATIC_LIBRARY" OR TARGET wix::testing)
  set(wix_private_dependencies ON)
else()
  set(wix_private_dependencies OFF)
endif()
if(WIX_HIREDIS_SSL_FOUND)
  set(wix_redis_tls ON)
else()
  set(wix_redis_tls OFF)
endif()
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/wixConfig.cmake.in" "${PROJECT_BINARY_DIR}/wixConfig.cmake"
  INSTALL_DESTINATION ${wix_package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/wixConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/wixConfig.cmake" "${PROJECT_BINARY_DIR}/wixConfigVersion.cmake"
        DESTINATION ${wix_package_dir})
install(EXPORT wixTargets NAMESPACE wix:: DESTINATION ${wix_package_dir})
if(TARGET wix::redis)
  install(EXPORT wixRedisTargets NAMESPACE wix:: DESTINATION ${wix_package_dir})
endif()
