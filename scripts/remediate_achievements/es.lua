return {
  ["Link achievements to the bank of definitions"] = "Vincular logros con el banco de definiciones",
  ["Links every achievement that has a subject and a group to the definition of its own context and text; makes the definition where the bank has none."] = "Vincula cada logro que tiene asignatura y grupo con la definición de su propio contexto y texto; crea la definición donde el banco no la tiene.",
  ["Only the first N achievements, by id; 0 is all."] = "Solo los primeros N logros, por id; 0 son todos.",
  ["Only these achievements."] = "Solo estos logros.",
  ["Who owns the definitions that are made."] = "Quién es el dueño de las definiciones que se crean.",
  ["owners that are no user"] = "dueños que no son usuarios",
  ["link achievements"] = "vincular logros",
  ["definitions made"] = "definiciones creadas",
  ["achievements linked"] = "logros vinculados",
}
