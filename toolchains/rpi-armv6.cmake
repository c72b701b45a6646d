# Raspberry Pi 1 and Zero: Debian's armel, whose packages are ARMv5 with floating point in software. Its armhf has
# instructions of ARMv7 in every package and in the compiler's own libraries, which end a program on these boards.
set(TIDEWIRE_BOARD rpi-armv6)
set(TIDEWIRE_TRIPLET arm-linux-gnueabi)
set(CMAKE_SYSTEM_PROCESSOR armv6l)
set(TIDEWIRE_BOARD_FLAGS "-march=armv6 -marm -mfloat-abi=soft -mtune=arm1176jzf-s")
set(TIDEWIRE_EMULATOR qemu-arm)
set(TIDEWIRE_EMULATED_CPU arm1176)
include(${CMAKE_CURRENT_LIST_DIR}/Board.cmake)
