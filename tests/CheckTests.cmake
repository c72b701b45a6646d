# Fails when a *Test.cpp is not built and run: a test that is not listed is not a test.
#
#   cmake -DSOURCE=<root of the sources> -DTESTS=<file with one "folder/Name" a line> -P CheckTests.cmake

cmake_minimum_required(VERSION 3.25)

file(STRINGS ${TESTS} listed)
file(GLOB_RECURSE files RELATIVE ${SOURCE} ${SOURCE}/tests/*Test.cpp)
foreach(file IN LISTS files)
  string(REGEX REPLACE "\\.cpp$" "" name ${file})
  if(NOT name IN_LIST listed)
    message(SEND_ERROR "${file} is not listed in the CMakeLists.txt of its folder")
  endif()
endforeach()
