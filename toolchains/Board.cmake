# What the toolchains of all boards have in common: Debian's cross compiler, a sysroot, and qemu-user for the tests.
set(CMAKE_SYSTEM_NAME Linux)

set(TIDEWIRE_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../build/sysroot/${TIDEWIRE_BOARD}
    CACHE PATH "Headers and libraries of the board; made by scripts/sysroot")
# Compiler checks are projects of their own.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TIDEWIRE_SYSROOT)
get_filename_component(TIDEWIRE_SYSROOT ${TIDEWIRE_SYSROOT} ABSOLUTE)
if(NOT EXISTS ${TIDEWIRE_SYSROOT}/usr/include)
  string(REPLACE "rpi-" "" board ${TIDEWIRE_BOARD})
  message(FATAL_ERROR "There is no sysroot at ${TIDEWIRE_SYSROOT}: run scripts/sysroot ${board}")
endif()

set(CMAKE_SYSROOT ${TIDEWIRE_SYSROOT})
set(CMAKE_C_COMPILER ${TIDEWIRE_TRIPLET}-gcc)
set(CMAKE_CXX_COMPILER ${TIDEWIRE_TRIPLET}-g++)
set(CMAKE_C_FLAGS_INIT "${TIDEWIRE_BOARD_FLAGS}")
set(CMAKE_CXX_FLAGS_INIT "${TIDEWIRE_BOARD_FLAGS}")
set(CMAKE_LIBRARY_ARCHITECTURE ${TIDEWIRE_TRIPLET})

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${TIDEWIRE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
    ${TIDEWIRE_SYSROOT}/usr/lib/${TIDEWIRE_TRIPLET}/pkgconfig:${TIDEWIRE_SYSROOT}/usr/share/pkgconfig)

# With it ctest runs the tests of a cross build. An emulator with another name or place: -DTIDEWIRE_EMULATOR_PROGRAM=...
find_program(TIDEWIRE_EMULATOR_PROGRAM NAMES ${TIDEWIRE_EMULATOR} ${TIDEWIRE_EMULATOR}-static)
if(TIDEWIRE_EMULATOR_PROGRAM)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${TIDEWIRE_EMULATOR_PROGRAM} -L ${TIDEWIRE_SYSROOT} -cpu ${TIDEWIRE_EMULATED_CPU})
endif()
