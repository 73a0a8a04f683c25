// Visibility of the library's symbols. WIX_SHARED and WIX_BUILDING are set by the CMake targets.
#ifndef WIX_CONFIG_HPP
#define WIX_CONFIG_HPP

#if defined(WIX_SHARED) && defined(_WIN32)
#if defined(WIX_BUILDING)
#define WIX_EXPORT __declspec(dllexport)
#else
#define WIX_EXPORT __declspec(dllimport)
#endif
#elif defined(WIX_SHARED)
#define WIX_EXPORT __attribute__((visibility("default")))
#else
#define WIX_EXPORT
#endif

#endif
