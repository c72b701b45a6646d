# Which packages a program needs, for boards: dpkg-shlibdeps knows only those of the building machine.

# The libraries of Debian 12, with the version that is there.
set(libraries
  "libPocoFoundation.so.80=libpocofoundation80 (>= 1.11.0)"
  "libPocoJSON.so.80=libpocojson80 (>= 1.11.0)"
  "libPocoNet.so.80=libpoconet80 (>= 1.11.0)"
  "libPocoUtil.so.80=libpocoutil80 (>= 1.11.0)"
  "libsodium.so.23=libsodium23 (>= 1.0.18)"
  "libsqlite3.so.0=libsqlite3-0 (>= 3.40)"
  "libxxhash.so.0=libxxhash0 (>= 0.8.1)"
  "libz.so.1=zlib1g (>= 1:1.2.13)"
  "libatomic.so.1=libatomic1 (>= 12)"
  "libgcc_s.so.1=libgcc-s1 (>= 12)"
  "libstdc++.so.6=libstdc++6 (>= 12)"
  "libc.so.6=libc6 (>= 2.36)"
  "libm.so.6=libc6 (>= 2.36)"
  "ld-linux-aarch64.so.1=libc6 (>= 2.36)"
  "ld-linux-armhf.so.3=libc6 (>= 2.36)"
  "ld-linux.so.3=libc6 (>= 2.36)")

# findDependencies(RESULT PROGRAM...): the field Depends. A library that is not in the list is an error.
function(findDependencies result)
  set(packages)
  foreach(program IN LISTS ARGN)
    execute_process(COMMAND ${CPACK_TIDEWIRE_READELF} --dynamic --wide ${program}
      OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
    # Brackets would join the items of a list.
    string(REPLACE "[" "|" dynamic "${dynamic}")
    string(REPLACE "]" "|" dynamic "${dynamic}")
    string(REGEX MATCHALL "NEEDED[^|]*[|][^|]*" needed "${dynamic}")
    foreach(entry IN LISTS needed)
      string(REGEX REPLACE ".*[|]" "" soname "${entry}")
      set(package)
      foreach(pair IN LISTS libraries)
        string(FIND "${pair}" "${soname}=" place)
        if(place EQUAL 0)
          string(REPLACE "${soname}=" "" package "${pair}")
        endif()
      endforeach()
      if(NOT package)
        message(FATAL_ERROR "${program} needs ${soname}, which packaging/Dependencies.cmake does not know")
      endif()
      list(APPEND packages "${package}")
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES packages)
  list(JOIN packages ", " text)
  set(${result} "${text}" PARENT_SCOPE)
endfunction()
