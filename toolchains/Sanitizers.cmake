# TIDEWIRE_SANITIZE=address,undefined or TIDEWIRE_SANITIZE=thread.
set(TIDEWIRE_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
if(TIDEWIRE_SANITIZE)
  add_compile_options(-fsanitize=${TIDEWIRE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TIDEWIRE_SANITIZE})
endif()
