# Raspberry Pi 3, 4, 5 and Zero 2 with a 64-bit system: Debian's arm64.
set(TIDEWIRE_BOARD rpi-aarch64)
set(TIDEWIRE_TRIPLET aarch64-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(TIDEWIRE_BOARD_FLAGS "-march=armv8-a")
set(TIDEWIRE_EMULATOR qemu-aarch64)
set(TIDEWIRE_EMULATED_CPU cortex-a72)
include(${CMAKE_CURRENT_LIST_DIR}/Board.cmake)
