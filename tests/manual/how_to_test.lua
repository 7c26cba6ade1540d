-- The guides, one for each thing that people come with.
require("pages").declare("how_to")
