# Included by project() of each interface package in the plain Python home. Only Python nodes run
# there, so the generators of C++ messages are left out, and small generated files that include
# the same large headers are compiled together: a quarter of the build time.
find_package(rosidl_default_generators REQUIRED)
list(FILTER AMENT_EXTENSIONS_rosidl_generate_idl_interfaces EXCLUDE REGEX "_cpp:")
cmake_language(DEFER CALL set_target_properties
  ${PROJECT_NAME}__rosidl_generator_py
  ${PROJECT_NAME}__rosidl_typesupport_fastrtps_c
  ${PROJECT_NAME}__rosidl_typesupport_introspection_c
  PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 11)
