-- The tutorial, README and the front page: what is read first.
require("pages").declare("beginning")
