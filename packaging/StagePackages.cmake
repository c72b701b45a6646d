# Puts what CPack has gathered into the form that its kind of package wants, before it is packed.

# compress(FILE...): as Debian wants documents, the same bytes every time.
function(compress)
  execute_process(COMMAND gzip -9nf ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

include(${CPACK_TIDEWIRE_PACKAGING}/Dependencies.cmake)

# addDependencies(COMPONENT FOLDER): completes the field that CPack writes.
macro(addDependencies component folder)
  string(TOUPPER ${component} upper)
  file(GLOB programs ${folder}/usr/bin/* ${folder}/usr/sbin/*)
  findDependencies(dependencies ${programs})
  list(APPEND CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS ${dependencies})
  list(JOIN CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS ", " CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS)
endmacro()

# A folder for each component, and the same for all of them.
function(stageDebian root)
  file(GLOB components ${root}/*)
  foreach(folder IN LISTS components)
    cmake_path(GET folder FILENAME component)
    set(documents ${folder}/usr/share/doc/${component})
    file(RENAME ${documents}/CHANGELOG.md ${documents}/changelog)
    file(COPY_FILE ${CPACK_TIDEWIRE_PACKAGING}/debian/changelog ${documents}/changelog.Debian)
    file(GLOB pages ${folder}/usr/share/man/man*/*)
    compress(${documents}/changelog ${documents}/changelog.Debian ${pages})
    file(MAKE_DIRECTORY ${folder}/usr/share/lintian/overrides)
    file(COPY_FILE ${CPACK_TIDEWIRE_PACKAGING}/debian/lintian-overrides ${folder}/usr/share/lintian/overrides/${component})
    file(GLOB examples ${documents}/examples/*.ini.example)
    foreach(example IN LISTS examples)
      cmake_path(GET example STEM LAST_ONLY ini)
      file(MAKE_DIRECTORY ${folder}/etc/tidewire)
      file(COPY_FILE ${example} ${folder}/etc/tidewire/${ini})
      # Everybody may read the folder, but not who is let in.
      file(CHMOD ${folder}/etc/tidewire/${ini} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
    endforeach()
  endforeach()
endfunction()

if(CPACK_GENERATOR STREQUAL "DEB")
  stageDebian(${CPACK_TEMPORARY_DIRECTORY})
  if(CPACK_TIDEWIRE_READELF)
    foreach(component IN LISTS CPACK_COMPONENTS_ALL)
      addDependencies(${component} ${CPACK_TEMPORARY_DIRECTORY}/${component})
    endforeach()
  endif()
else()
  file(COPY_FILE ${CPACK_TIDEWIRE_PACKAGING}/INSTALL.txt ${CPACK_TEMPORARY_DIRECTORY}/INSTALL.txt)
endif()
