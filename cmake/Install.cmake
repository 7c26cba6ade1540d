# cmake --install, and packages for Debian by CPack; tools/package makes one and tries it.
include(GNUInstallDirs)

set(share ${CMAKE_INSTALL_DATADIR})
install(TARGETS opsh)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/stdlib/_meta/ DESTINATION ${share}/opsh/types)
install(FILES ${CMAKE_SOURCE_DIR}/cmake/OpshTest.cmake DESTINATION ${share}/opsh/cmake)
# The manual, with docs/README.md as its front page: its pages link to each other and to nothing above them.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/scripts DESTINATION ${CMAKE_INSTALL_DOCDIR} USE_SOURCE_PERMISSIONS)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
# What opsh says of itself: manual pages, and what completes its words.
set(pages ${CMAKE_INSTALL_MANDIR}/man1)
set(bash ${share}/bash-completion/completions)
set(zsh ${share}/zsh/vendor-completions)
install(CODE "
  set(generated ${CMAKE_BINARY_DIR}/generated/share)
  file(REMOVE_RECURSE \${generated})
  file(MAKE_DIRECTORY \${generated})
  execute_process(COMMAND $<TARGET_FILE:opsh> manual --output \${generated}/man COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND $<TARGET_FILE:opsh> completion bash OUTPUT_FILE \${generated}/opsh COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND $<TARGET_FILE:opsh> completion zsh OUTPUT_FILE \${generated}/_opsh COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB pages \${generated}/man/*.1)
  execute_process(COMMAND gzip -9n \${pages} COMMAND_ERROR_IS_FATAL ANY)
  file(INSTALL \${generated}/man/ DESTINATION \${CMAKE_INSTALL_PREFIX}/${pages})
  file(INSTALL \${generated}/opsh DESTINATION \${CMAKE_INSTALL_PREFIX}/${bash})
  file(INSTALL \${generated}/_opsh DESTINATION \${CMAKE_INSTALL_PREFIX}/${zsh})")

file(STRINGS /etc/os-release release REGEX "^VERSION_CODENAME=")
string(REGEX REPLACE "^VERSION_CODENAME=\"?([a-z]*)\"?$" "\\1" release "${release}")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME opsh)
# Of the same version, that of a newer release is the newer one.
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_RELEASE 1~${release})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_CONTACT "the opsh developers <opsh@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "operations shell for PostgreSQL: plan, apply and prove changes to data")
set(CPACK_PACKAGE_DESCRIPTION "A runbook is one Lua file: what is to be done, how one batch of it is done,\n\
and how to know that it is right. opsh plans it, simulates it, rehearses it in\n\
a restored backup, applies it in batches that are journaled and proved, and\n\
takes it back. Its prompt reads SQL and Lua.")
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "postgresql-client, git")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql")
set(CPACK_STRIP_FILES ON)
include(CPack)
