# Fails when a file includes a folder of ours that its own folder must not know.
#
#   cmake -DSOURCE=<root of the sources> -P CheckLayers.cmake
#
# Lower folders know nothing of higher ones, shared/ knows neither program, and no program the other.

cmake_minimum_required(VERSION 3.25)

set(base shared/base)
set(fs ${base} shared/fs)
set(model ${fs} shared/model)
set(delta ${model} shared/delta)
set(wire ${delta} shared/wire)
set(net ${wire} shared/noise shared/net)
set(all_shared ${net} shared/db shared/daemon)

# For each folder, the folders besides itself that it may include.
set(may_shared/base)
set(may_shared/fs ${base})
set(may_shared/noise ${base})
set(may_shared/model ${fs})
set(may_shared/delta ${model})
set(may_shared/wire ${delta})
set(may_shared/net ${wire} shared/noise)
set(may_shared/db ${base})
set(may_shared/daemon ${base})
set(may_agent/watch ${all_shared} agent)
set(may_agent/state ${all_shared} agent)
set(may_agent/scan ${all_shared} agent agent/state)
set(may_agent/sync ${all_shared} agent agent/state agent/scan agent/watch)
set(may_agent ${all_shared} agent/state agent/scan agent/watch agent/sync)
set(may_relay/store ${all_shared})
set(may_relay/session ${all_shared} relay/store)
set(may_relay ${all_shared} relay/store relay/session)
set(may_cli ${all_shared} agent agent/state relay relay/store cli)

# Files directly in agent/ that the folders below may include: plain choices, no logic.
set(open_agent_files agent/Modes.h)

set(faults 0)
file(GLOB_RECURSE files RELATIVE ${SOURCE}
  ${SOURCE}/shared/*.h ${SOURCE}/shared/*.cpp
  ${SOURCE}/agent/*.h ${SOURCE}/agent/*.cpp
  ${SOURCE}/relay/*.h ${SOURCE}/relay/*.cpp
  ${SOURCE}/cli/*.h ${SOURCE}/cli/*.cpp)
foreach(file IN LISTS files)
  get_filename_component(folder ${file} DIRECTORY)
  if(NOT DEFINED may_${folder} AND NOT folder STREQUAL "shared/base")
    message(SEND_ERROR "${file}: the folder ${folder} is not in the table of tests/CheckLayers.cmake")
    math(EXPR faults "${faults} + 1")
    continue()
  endif()
  file(STRINGS ${SOURCE}/${file} includes REGEX "^#include \"")
  foreach(line IN LISTS includes)
    string(REGEX REPLACE "^#include \"([^\"]*)\".*" "\\1" included ${line})
    get_filename_component(target ${included} DIRECTORY)
    if(target STREQUAL folder)
      continue()
    endif()
    set(allowed FALSE)
    if(target IN_LIST may_${folder})
      set(allowed TRUE)
    endif()
    if(target STREQUAL "agent" AND NOT included IN_LIST open_agent_files AND NOT folder STREQUAL "cli")
      set(allowed FALSE)
    endif()
    if(NOT allowed)
      message(SEND_ERROR "${file} includes ${included}: ${folder} must not know ${target}")
      math(EXPR faults "${faults} + 1")
    endif()
  endforeach()
endforeach()
if(faults EQUAL 0)
  message(STATUS "the includes of all files keep to their layers")
endif()
