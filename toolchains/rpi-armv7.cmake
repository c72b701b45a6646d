# Raspberry Pi 2, 3 and 4 with a 32-bit system: Debian's armhf.
set(TIDEWIRE_BOARD rpi-armv7)
set(TIDEWIRE_TRIPLET arm-linux-gnueabihf)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(TIDEWIRE_BOARD_FLAGS "-march=armv7-a+neon-vfpv4 -mfloat-abi=hard -mtune=cortex-a7")
set(TIDEWIRE_EMULATOR qemu-arm)
set(TIDEWIRE_EMULATED_CPU cortex-a7)
include(${CMAKE_CURRENT_LIST_DIR}/Board.cmake)
