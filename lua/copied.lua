--- A table with the same fields, and nothing else of the one that is given.
---@param values table
---@return table
return function(values)
  local made = {}
  for name, value in pairs(values) do
    made[name] = value
  end
  return made
end
