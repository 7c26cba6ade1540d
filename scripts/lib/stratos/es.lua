return {
  ["The application's folder, from / on, with artisan and .env."] = "La carpeta de la aplicación, desde /, con artisan y .env.",
  ["The application's address; the run asks its API."] = "La dirección de la aplicación; la ejecución consulta su API.",
  ["Run the application's own tests first, with --app-dir."] = "Ejecuta primero las pruebas propias de la aplicación, con --app-dir.",
  ["Token for the API."] = "Token para la API.",
  ["Ask a person to look at the application."] = "Pide a una persona que mire la aplicación.",
  ["Address that is told how the run ended."] = "Dirección a la que se avisa cómo terminó la ejecución.",
  ['Apply within this time only: "22:00-06:00", or "22:00-06:00 America/Santiago"; UTC without a zone.'] = 'Aplica solo en este horario: "22:00-06:00", o "22:00-06:00 America/Santiago"; UTC si no hay zona.',

  ["APP_ENV of the application"] = "APP_ENV de la aplicación",
  ["database of the application"] = "base de datos de la aplicación",
  ["IMPORT_GENERATION in .env"] = "IMPORT_GENERATION en .env",
  ["errors in the application's log since the run began"] = "errores en el log de la aplicación desde que comenzó la ejecución",
  ["generations accepted without their import"] = "generaciones aceptadas sin su importación",
  ["the application is up"] = "la aplicación está en pie",

  ["tests of the application"] = "pruebas de la aplicación",
  ["maintenance mode"] = "modo mantenimiento",
  ["maintenance mode off"] = "fin del modo mantenimiento",
  ["queue workers at rest"] = "workers de la cola en pausa",
  ["queue workers on"] = "workers de la cola en marcha",
  ["accept generations"] = "aceptar generaciones",
  ["the application answers"] = "la aplicación responde",
}
