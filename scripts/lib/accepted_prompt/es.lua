return {
  ["record the migrations"] = "registrar las migraciones",
  ["no prompt has a secret in it"] = "ningún prompt lleva un secreto",
}
