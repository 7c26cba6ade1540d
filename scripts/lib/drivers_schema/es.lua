return {
  ["quarantine table"] = "tabla de cuarentena",
  ["views without drivers in quarantine"] = "vistas sin drivers en cuarentena",
  ["append-only quarantine"] = "cuarentena append-only",
}
