return {
  ["indicators without an achievement"] = "indicadores sin logro",
  ["levels that an achievement has twice"] = "niveles que un logro tiene dos veces",
  ["links to a definition of another %s"] = "vínculos a una definición de otro contexto (%s)",
  ["unlinked achievements that the bank has no definition for"] = "logros sin vínculo para los que el banco no tiene definición",
}
