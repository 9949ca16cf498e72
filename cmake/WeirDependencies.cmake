# Everything that Weir stands on, all of it from Debian's packages. scripts/install-packages lists the package names.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq>=4.3)
pkg_check_modules(HS REQUIRED IMPORTED_TARGET libhs>=5.2)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8>=10.40)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c>=1.4)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.38)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-uc)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
find_program(PROTOC_C protoc-c REQUIRED)

# Debian's Vectorscan 5.4.9 shares Hyperscan's soname and misses true matches; Hyperscan 5.4.0 misses none.
if(HS_VERSION VERSION_GREATER 5.4.2 AND NOT WEIR_ALLOW_VECTORSCAN)
  message(FATAL_ERROR "libhs ${HS_VERSION} looks like Vectorscan, whose Debian package misses matches. "
                      "Install libhyperscan-dev, or pass -DWEIR_ALLOW_VECTORSCAN=ON where only Vectorscan exists.")
endif()
