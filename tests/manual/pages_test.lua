-- One page for each thing that opsh has: what is looked up.
require("pages").declare("pages")
