// The version of these headers, for the preprocessor.
#ifndef WIX_VERSION_HPP
#define WIX_VERSION_HPP

#define WIX_VERSION_MAJOR 0
#define WIX_VERSION_MINOR 1
#define WIX_VERSION_PATCH 0

/// Greater for a later version: `#if WIX_VERSION_NUMBER >= 10200` means 1.2.0 or later.
#define WIX_VERSION_NUMBER (WIX_VERSION_MAJOR * 10000 + WIX_VERSION_MINOR * 100 + WIX_VERSION_PATCH)

/// The same as a text.
#define WIX_VERSION_STRING "0.1.0"

#endif
