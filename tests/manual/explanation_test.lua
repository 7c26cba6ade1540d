-- What explains.
require("pages").declare("explanation")
