"""What tells other build systems of a library: pkg-config and CMake."""

from __future__ import annotations

from collections.abc import Sequence


def pkg_config(name: str, version: str, about: str, libraries: Sequence[str]) -> str:
    """A `.pc` file that lies beside the library."""
    private = " ".join(("-lm", *(f"-l{x}" for x in libraries)))
    return (f"prefix=${{pcfiledir}}\n\nName: {name}\nDescription: {about}\nVersion: {version}\n"
            f"Cflags: -I${{prefix}}\nLibs: -L${{prefix}} -l{name}\nLibs.private: {private}\n")


CMAKE = """\
# find_package({name} CONFIG PATHS <this directory>), then target_link_libraries(... {name}::{name})
if(NOT TARGET {name}::{name})
  add_library({name}::{name} SHARED IMPORTED)
  set_target_properties({name}::{name} PROPERTIES
    IMPORTED_LOCATION "${{CMAKE_CURRENT_LIST_DIR}}/{shared}"
    INTERFACE_INCLUDE_DIRECTORIES "${{CMAKE_CURRENT_LIST_DIR}}")
  add_library({name}::static STATIC IMPORTED)
  set_target_properties({name}::static PROPERTIES
    IMPORTED_LOCATION "${{CMAKE_CURRENT_LIST_DIR}}/lib{name}.a"
    INTERFACE_LINK_LIBRARIES "{libraries}"
    INTERFACE_INCLUDE_DIRECTORIES "${{CMAKE_CURRENT_LIST_DIR}}")
endif()
"""


def cmake(name: str, shared: str, libraries: Sequence[str]) -> str:
    """A `NAMEConfig.cmake` file that lies beside the library."""
    return CMAKE.format(name=name, shared=shared, libraries=";".join(("m", *libraries)))


__all__ = ["cmake", "pkg_config"]
