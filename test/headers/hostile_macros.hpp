// Macros that headers of Windows, X11, Qt, BSD and old compilers leave behind.
#ifndef WIX_TEST_HOSTILE_MACROS_HPP
#define WIX_TEST_HOSTILE_MACROS_HPP

// Windows
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define small char
#define interface struct
#define near
#define far
#define IN
#define OUT
#define OPTIONAL
#define ERROR 0
#define NO_ERROR 0L
#define DELETE (0x00010000L)
#define GetObject GetObjectA
#define GetMessage GetMessageA
#define SendMessage SendMessageA
#define CreateFile CreateFileA
#define DeleteFile DeleteFileA

// BSD and sys/sysmacros.h, and what GNU modes predefine
#undef major
#undef minor
#undef unix
#undef linux
#define major(dev) ((dev) >> 8)
#define minor(dev) ((dev)&0xff)
#define unix 1
#define linux 1

// X11
#define None 0L
#define Bool int
#define Status int
#define Success 0
#define Always 2
#define True 1
#define False 0

// Qt and old macOS
#define emit
#define slots
#define signals public
#define foreach(x, y) for (x : y)
#define check(x) ((void)(x))
#define verify(x) ((void)(x))

#endif
