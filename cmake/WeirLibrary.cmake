# weir_library(FOLDER [LINKS target...]): the static library weir_FOLDER made of every .c file of this folder.
#
# A library's headers are included as "folder/name.h". Each library publishes a private include root that holds nothing
# but a link to its own folder, so that `#include "alerts/store.h"` compiles only in a target that links weir_alerts. That
# is how the link edges enforce the direction of data flow: ingest, scanner and alerts cannot see each other.
function(weir_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS;PRIVATE")
  set(target weir_${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  add_library(${target} STATIC ${sources})
  set(root ${CMAKE_BINARY_DIR}/include-roots/${folder})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/${folder} SYMBOLIC)
  target_include_directories(${target} PUBLIC ${root})
  target_link_libraries(${target} PUBLIC ${arg_LINKS} PRIVATE ${arg_PRIVATE})
endfunction()
