return {
  ["Ask a person to try the application."] = "Pide a una persona que pruebe la aplicación.",
  ["Address that is told how the run ended."] = "Dirección a la que se avisa cómo terminó la ejecución.",
  ['Apply within this time only: "22:00-06:00", or "22:00-06:00 America/Bogota"; UTC without a zone.'] = 'Aplica solo en este horario: "22:00-06:00", o "22:00-06:00 America/Bogota"; UTC si no hay zona.',

  ["create an achievement"] = "crear un logro",
  ["Create an achievement by hand in Planeación: does it appear in the Banco?"] = "Cree un logro manual en Planeación: ¿aparece en el Banco?",
  ["import an achievement"] = "importar un logro",
  ["Import an achievement and edit it: is it changed in the Banco?"] = "Importe un logro y edítelo: ¿se actualiza en el Banco?",
  ["texts of the AI"] = "textos de la IA",
  ["Let the AI write a description and new indicators: do they come?"] = "Pida a la IA una descripción e indicadores nuevos: ¿llegan?",
}
