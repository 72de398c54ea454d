# Included by project() of each interface package in the plain Python home. Only Python nodes run
# there, so the generators of C++ messages are left out: half of the build time.
find_package(rosidl_default_generators REQUIRED)
list(FILTER AMENT_EXTENSIONS_rosidl_generate_idl_interfaces EXCLUDE REGEX "_cpp:")
