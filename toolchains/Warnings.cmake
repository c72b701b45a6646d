# Target tw_warnings: the flags that all of our code is built with.
add_library(tw_warnings INTERFACE)
target_compile_options(tw_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wformat=2 -Wcast-align -Wundef)
# g++ 12 warns wrongly about "text" + std::string at -O2 and above (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(tw_warnings INTERFACE -Wno-restrict)
endif()
# On ARM g++ notes calls whose convention is another one than that of g++ 6, which built none of the libraries.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(arm|aarch64)")
  target_compile_options(tw_warnings INTERFACE -Wno-psabi)
endif()
option(TIDEWIRE_WERROR "Treat warnings as errors" OFF)
if(TIDEWIRE_WERROR)
  target_compile_options(tw_warnings INTERFACE -Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(tw_warnings INTERFACE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_link_options(tw_warnings INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed)
endif()
# 64-bit file offsets and times on 32-bit boards. POCO was built there with a time_t of 32 bits: no
# function of it that takes or gives one may be called.
target_compile_definitions(tw_warnings INTERFACE _FILE_OFFSET_BITS=64)
if(CMAKE_SIZEOF_VOID_P EQUAL 4)
  target_compile_definitions(tw_warnings INTERFACE _TIME_BITS=64)
endif()
