return {
  ["The application's folder, from / on: backend, frontend."] = "La carpeta de la aplicación, desde /: backend, frontend.",
  ["The application's address; the run asks its API."] = "La dirección de la aplicación; la ejecución consulta su API.",
  ["Token for the API."] = "Token para la API.",
  ["Ask a person to look at the application."] = "Pide a una persona que mire la aplicación.",
  ["Address that is told how the run ended."] = "Dirección a la que se avisa cómo terminó la ejecución.",
  ['Apply within this time only: "22:00-06:00", or "22:00-06:00 America/Lima"; UTC without a zone.'] = 'Aplica solo en este horario: "22:00-06:00", o "22:00-06:00 America/Lima"; UTC si no hay zona.',

  ["the application has no pending migration"] = "la aplicación no tiene migraciones pendientes",
  ["in its backend: alembic upgrade head"] = "en su backend: alembic upgrade head",
  ["the backend has the models of the quarantine"] = "el backend tiene los modelos de la cuarentena",
  ["deploy the backend first"] = "despliegue primero el backend",
  ["the API counts the same drivers in quarantine"] = "la API cuenta los mismos drivers en cuarentena",
  ["the frontend has %s"] = "el frontend tiene %s",

  ["build the frontend"] = "construir el frontend",
  ["integrity tests of the application"] = "pruebas de integridad de la aplicación",
}
