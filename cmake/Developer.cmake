# Warnings and sanitizers for this project's own build; consumers get none of it.
add_library(wix_developer INTERFACE)
if(WIX_DEVELOPER)
  target_compile_options(wix_developer INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 warns inside Boost's and its own inlined code: not about ours, and not reliably.
    target_compile_options(wix_developer INTERFACE -Wno-maybe-uninitialized -Wno-array-bounds
                           -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict -Wno-mismatched-new-delete)
  endif()
  if(WIX_SANITIZE)
    add_compile_options(-fsanitize=${WIX_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${WIX_SANITIZE})
    if(WIX_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(wix_developer INTERFACE -Wno-tsan)
    endif()
  endif()
endif()
