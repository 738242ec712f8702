# find_package(models CONFIG PATHS <this directory>), then target_link_libraries(... models::models)
if(NOT TARGET models::models)
  add_library(models::models SHARED IMPORTED)
  set_target_properties(models::models PROPERTIES
    IMPORTED_LOCATION "${CMAKE_CURRENT_LIST_DIR}/libmodels.so"
    INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CURRENT_LIST_DIR}")
  add_library(models::static STATIC IMPORTED)
  set_target_properties(models::static PROPERTIES
    IMPORTED_LOCATION "${CMAKE_CURRENT_LIST_DIR}/libmodels.a"
    INTERFACE_LINK_LIBRARIES "m"
    INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CURRENT_LIST_DIR}")
endif()
