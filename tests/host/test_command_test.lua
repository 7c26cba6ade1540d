local test = require("opsh.test")
test.it("is", function() test.expect.equal({a={1,2}},{a={1,3}}) end)
