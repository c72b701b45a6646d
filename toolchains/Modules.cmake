# tw_library(NAME SOURCES ... LINKS ...): a static library of ours with our warnings.
function(tw_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_LINKS} PRIVATE tw_warnings)
  if(TIDEWIRE_SANITIZE)
    # What is checked so is slow enough; the tests themselves are compiled more quickly without.
    target_compile_options(${name} PRIVATE -O1)
  endif()
endfunction()

# tw_test(NAME LINKS ...): the test program NAME from NAME.cpp in this folder, registered with CTest.
function(tw_test name)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  add_executable(${name} ${name}.cpp)
  target_link_libraries(${name} PRIVATE tw_warnings tw_test_support Catch2::Catch2WithMain ${ARG_LINKS})
  # Little of the time is spent in the tests themselves, much in compiling them.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600)
endfunction()
